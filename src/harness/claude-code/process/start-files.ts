import { join } from 'node:path';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { NewEntries, NewEntry } from '../../../sandbox/files/make-tree.js';
import type { HarnessThread } from '../../harness.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { parseObject } from '../../../domain/json.js';
import { dropProvider } from '../provider.js';
import { mergeDeploymentSettings } from './deployment-settings.js';

/** The files and folders that a process is started with; absolute paths. */
export interface StartFiles {
  /** The deployment's settings. */
  readonly settings: string;
  /** The deployment's MCP servers; `undefined` for none. */
  readonly mcpConfig: string | undefined;
  /** Folders with what the agent's own `CLAUDE.md` and rules say. */
  readonly memories: readonly string[];
  /** Plugins with the agent's own skills, sub-agents and commands. */
  readonly plugins: readonly string[];
}

/** The folder of the thread for all of this, made anew for each process. */
const FOLDER = 'claude';

/** Has what an earlier process was started with, until that is removed. */
const OLD_FOLDER = 'claude.old';

/** An entry of one of the thread's folders. */
interface OwnEntry {
  readonly folder: 'workspace' | 'home';
  readonly entry: string;
}

/**
 * The thread's own files of instructions, by where Claude Code looks for them in a folder of `--add-dir`. The second folder has room for
 * the one that it does not look for there.
 */
const MEMORIES: Readonly<Record<string, Readonly<Record<string, OwnEntry>>>> = {
  'workspace-memory': {
    'CLAUDE.md': { folder: 'workspace', entry: 'CLAUDE.md' },
    '.claude/CLAUDE.md': { folder: 'workspace', entry: '.claude/CLAUDE.md' },
    '.claude/rules': { folder: 'workspace', entry: '.claude/rules' },
  },
  'home-memory': {
    'CLAUDE.md': { folder: 'home', entry: '.claude/CLAUDE.md' },
    '.claude/CLAUDE.md': { folder: 'workspace', entry: 'CLAUDE.local.md' },
  },
};

/** Plugins, whose names come before those of what is in them. Hooks and MCP servers are no part of them. */
const PLUGINS = ['workspace', 'home'] as const;
const PLUGIN_PARTS = ['skills', 'agents', 'commands'];

/** Where Claude Code keeps what it remembers of a home. An `env` in it is set in every process, whatever the sources of settings. */
const REMEMBERED_FILES = ['home/.claude/.claude.json', 'home/.claude/.config.json'];
const MAX_REMEMBERED_BYTES = 16 * 1024 * 1024;

const MAX_RULES = 100;
const MAX_RULE_BYTES = 64 * 1024;

/**
 * Writes what a process is started with.
 *
 * An agent can write its own settings, which would lead the next process, and even the running one, to another API with the deployment's
 * key, or have it run hooks (2.1.197 and 2.1.330, seen). So no settings of the thread are loaded, only the deployment's. With them go
 * `CLAUDE.md`, skills, sub-agents and commands, which are no danger: they are given back by links, which Claude Code follows with the
 * agent's own rights.
 *
 * What an earlier process was started with is left for {@link removeOldFiles}: nobody has to wait for that.
 */
export async function writeStartFiles(
  thread: HarnessThread,
  sandbox: Pick<Sandbox, 'templateText'>,
): Promise<StartFiles> {
  const { files, folders, modelUrl, tools, workspaceTemplate } = thread;
  const isWhole = tools !== 'none';
  const [{ settings, mcpServers, remembered }, rules] = await Promise.all([
    mergeDeploymentSettings({ templateText: (path) => sandbox.templateText(path, workspaceTemplate) }),
    isWhole ? readRules(files) : {},
    files.rename(`server/${FOLDER}`, OLD_FOLDER),
  ]);
  const hasServers = Object.keys(mcpServers).length > 0;
  await Promise.all([
    files.makeTree(`server/${FOLDER}`, {
      'settings.json': toFile(modelUrl === undefined ? settings : dropProvider(settings)),
      ...(hasServers ? { 'mcp.json': toFile({ mcpServers }) } : {}),
      ...(isWhole ? { ...linkOwn(folders), ...rules } : {}),
    }),
    ...REMEMBERED_FILES.map((path) => dropEnvironment(files, path, remembered)),
  ]);
  const folder = join(folders.server, FOLDER);
  return {
    settings: join(folder, 'settings.json'),
    mcpConfig: hasServers ? join(folder, 'mcp.json') : undefined,
    memories: isWhole ? Object.keys(MEMORIES).map((name) => join(folder, name)) : [],
    plugins: isWhole ? PLUGINS.map((name) => join(folder, name)) : [],
  };
}

/** Removes what an earlier process of a thread was started with. */
export function removeOldFiles(files: ThreadFiles): Promise<void> {
  return files.remove(`server/${OLD_FOLDER}`);
}

/** Links to the thread's own files, and what makes plugins of its folders. */
function linkOwn(folders: HarnessThread['folders']): NewEntries {
  const toLink = ({ folder, entry }: OwnEntry): NewEntry => ({ link: join(folders[folder], entry) });
  const memories = Object.entries(MEMORIES).flatMap(([name, links]) =>
    Object.entries(links).map(([path, own]) => [`${name}/${path}`, toLink(own)] as const),
  );
  const plugins = PLUGINS.flatMap((name) => [
    [`${name}/.claude-plugin/plugin.json`, toFile({ name, version: '1.0.0' })] as const,
    ...PLUGIN_PARTS.map((part) => [`${name}/${part}`, toLink({ folder: name, entry: `.claude/${part}` })] as const),
  ]);
  return Object.fromEntries([...memories, ...plugins]);
}

/** Reads the rules of the thread's home. By a link, Claude Code 2.1.330 would take them for those of a source of settings that is off (seen). */
async function readRules(files: ThreadFiles): Promise<NewEntries> {
  const rules = 'home/.claude/rules';
  const names = await files.list(rules, MAX_RULES).catch(noneWhenRefused);
  const texts = await Promise.all(
    names.map((name) => files.readText(`${rules}/${name}`, MAX_RULE_BYTES).catch(noneWhenRefused)),
  );
  const entries = names.flatMap((name, index) => {
    const text = texts[index];
    return typeof text === 'string' ? [[`home-memory/.claude/rules/${name}`, { text }] as const] : [];
  });
  return Object.fromEntries(entries);
}

function toFile(value: JsonObject): NewEntry {
  return { text: JSON.stringify(value) };
}

function noneWhenRefused(error: unknown): readonly never[] {
  if (error instanceof ThreadFileError) return [];
  throw error;
}

/** Takes the variables out of what Claude Code remembers. A file that nobody can look into is begun anew. */
async function dropEnvironment(files: ThreadFiles, path: string, anew: JsonObject): Promise<void> {
  let text: string | undefined;
  try {
    text = await files.readText(path, MAX_REMEMBERED_BYTES);
    if (text === undefined) return;
  } catch (error) {
    if (!(error instanceof ThreadFileError)) throw error;
  }
  const found = parseObject(text ?? '');
  if (found !== undefined && found['env'] === undefined) return;
  const kept = Object.entries(found ?? anew).filter(([name]) => name !== 'env');
  await files.write(path, JSON.stringify(Object.fromEntries(kept)));
}
