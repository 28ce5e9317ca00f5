import type { Sandbox } from '../../../sandbox/sandbox.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { isJsonObject, asArray, asObject, parseObject } from '../../../domain/json.js';

/** What a deployment has set for Claude Code in its templates. */
export interface DeploymentSettings {
  readonly settings: JsonObject;
  readonly mcpServers: JsonObject;
  /** Claude Code's own file of what it remembers, without its settings. */
  readonly remembered: JsonObject;
}

/** What every process gets, over whatever the templates say. */
const ALWAYS: JsonObject = {
  // Claude Code 2.1.330 reads AGENTS.md by itself, with a built-in plugin, but only where no CLAUDE.md is. Chiron appends it to
  // the system prompt in any case, so the plugin is off, lest it is read twice.
  enabledPlugins: { 'cc-plugin-agents-md@builtin': false },
};

/** The files of settings, in the order in which Claude Code has a later one win. */
const SETTINGS_FILES = [
  'home/.claude/settings.json',
  'workspace/.claude/settings.json',
  'workspace/.claude/settings.local.json',
];

/** Reads the settings of the templates, as Claude Code would read them in a new thread. */
export async function mergeDeploymentSettings(sandbox: Pick<Sandbox, 'templateText'>): Promise<DeploymentSettings> {
  const read = async (path: string): Promise<JsonObject> => parseObject((await sandbox.templateText(path)) ?? '') ?? {};
  const { env = {}, mcpServers = {}, ...remembered } = await read('home/.claude/.claude.json');
  const project = await read('workspace/.mcp.json');
  const files = await Promise.all(SETTINGS_FILES.map(read));
  const settings = [...files, ALWAYS].reduce(merged, { env });
  const disabled = new Set(asArray(settings['disabledMcpjsonServers']));
  const projectServers = Object.entries(asObject(project['mcpServers'])).filter(([name]) => !disabled.has(name));
  return { settings, mcpServers: { ...asObject(mcpServers), ...Object.fromEntries(projectServers) }, remembered };
}

/** Two files of settings as Claude Code takes them together: objects and lists are joined, and else the later one wins. */
function merged(earlier: JsonObject, later: JsonObject): JsonObject {
  const keys = new Set([...Object.keys(earlier), ...Object.keys(later)]);
  return Object.fromEntries([...keys].map((key) => [key, mergedValue(earlier[key], later[key])]));
}

function mergedValue(earlier: JsonValue | undefined, later: JsonValue | undefined): JsonValue {
  if (isJsonObject(earlier) && isJsonObject(later)) return merged(earlier, later);
  if (Array.isArray(earlier) && Array.isArray(later)) return [...earlier, ...later];
  return later ?? earlier ?? null;
}
