import { join } from 'node:path';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';
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
 */
export async function writeStartFiles(
  thread: HarnessThread,
  sandbox: Pick<Sandbox, 'templateText'>,
): Promise<StartFiles> {
  const { files } = thread;
  const folder = join(thread.folders.server, FOLDER);
  const write = (path: string, value: JsonObject) => files.write(`server/${FOLDER}/${path}`, JSON.stringify(value));
  const [{ settings, mcpServers, remembered }] = await Promise.all([
    mergeDeploymentSettings({ templateText: (path) => sandbox.templateText(path, thread.workspaceTemplate) }),
    files.remove(`server/${FOLDER}`),
  ]);
  const hasServers = Object.keys(mcpServers).length > 0;
  const isWhole = thread.tools !== 'none';
  // All at once: the caller of a stopped thread waits for this.
  await Promise.all([
    write('settings.json', thread.modelUrl === undefined ? settings : dropProvider(settings)),
    hasServers && write('mcp.json', { mcpServers }),
    ...REMEMBERED_FILES.map((path) => dropEnvironment(files, path, remembered)),
    isWhole && linkOwn(thread, write),
  ]);
  return {
    settings: join(folder, 'settings.json'),
    mcpConfig: hasServers ? join(folder, 'mcp.json') : undefined,
    memories: isWhole ? Object.keys(MEMORIES).map((name) => join(folder, name)) : [],
    plugins: isWhole ? PLUGINS.map((name) => join(folder, name)) : [],
  };
}

async function linkOwn(
  { files, folders }: Pick<HarnessThread, 'files' | 'folders'>,
  write: (path: string, value: JsonObject) => Promise<void>,
): Promise<void> {
  const link = (path: string, { folder, entry }: OwnEntry): Promise<void> =>
    files.link(`server/${FOLDER}/${path}`, join(folders[folder], entry));
  await Promise.all([
    copyRules(files),
    ...Object.entries(MEMORIES).flatMap(([name, links]) =>
      Object.entries(links).map(([path, target]) => link(`${name}/${path}`, target)),
    ),
    ...PLUGINS.flatMap((name) => [
      write(`${name}/.claude-plugin/plugin.json`, { name, version: '1.0.0' }),
      ...PLUGIN_PARTS.map((part) => link(`${name}/${part}`, { folder: name, entry: `.claude/${part}` })),
    ]),
  ]);
}

/** By a link, Claude Code 2.1.330 would take them for those of a source of settings that is off (seen). */
async function copyRules(files: ThreadFiles): Promise<void> {
  const rules = 'home/.claude/rules';
  for (const name of await files.list(rules, MAX_RULES).catch(noneWhenRefused)) {
    const text = await files.readText(`${rules}/${name}`, MAX_RULE_BYTES).catch(noneWhenRefused);
    if (typeof text === 'string') await files.write(`server/${FOLDER}/home-memory/.claude/rules/${name}`, text);
  }
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
