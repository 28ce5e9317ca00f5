import type { Sandbox } from '../../../sandbox/sandbox.js';
import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessThread } from '../../harness.js';

/** What Codex finds of a deployment's when it is started in a thread. */
export interface CodexHome {
  /** The deployment's `config.toml`, or an empty text. */
  readonly config: string;
  /** Whether the deployment is logged in by a file of its template. */
  readonly hasLogin: boolean;
  /** Whether the workspace's settings are those that the deployment gave it. */
  readonly trustsWorkspace: boolean;
  /** The workspace as Codex names it. */
  readonly workspace: string;
}

/**
 * The settings of a home, with what stands for one that the deployment does not have. Each of them can lead Codex to another API with the
 * deployment's key, or have it start programs.
 */
const HOME_FILES: Readonly<Record<string, string>> = {
  '.codex/config.toml': '',
  '.codex/.env': '',
  '.codex/hooks.json': '{}',
};
/** The settings of a workspace: they can have Codex start programs. */
const WORKSPACE_FILES = ['config.toml', 'hooks.json'].map((name) => `workspace/.codex/${name}`);
const MAX_BYTES = 1024 * 1024;

/**
 * Gives a thread's home the deployment's settings again, and looks whether its workspace has them still. Codex 0.169.0 reads both
 * whenever it opens a conversation, and has no switch against them; it trusts every workspace in which it may write (all seen).
 */
export async function restoreHome(
  { id, files, folders, workspaceTemplate }: HarnessThread,
  sandbox: Pick<Sandbox, 'deploy' | 'templateText'>,
): Promise<CodexHome> {
  const settings = Object.entries(HOME_FILES).map(
    async ([path, none]) => [path, (await sandbox.templateText(`home/${path}`)) ?? none] as const,
  );
  await sandbox.deploy(id, Object.fromEntries(await Promise.all(settings)));
  const workspace = WORKSPACE_FILES.map(async (path) =>
    isAs(files, path, await sandbox.templateText(path, workspaceTemplate)),
  );
  return {
    config: (await sandbox.templateText('home/.codex/config.toml')) ?? '',
    hasLogin: (await sandbox.templateText('home/.codex/auth.json')) !== undefined,
    trustsWorkspace: (await Promise.all(workspace)).every(Boolean),
    workspace: folders.workspace,
  };
}

/** Settings by which Codex itself starts programs, or passes its own variables on to them. */
const STARTS_PROGRAMS = /^\s*"?(env_vars|notify)"?\s*=|^\s*\[+\s*hooks/m;

/**
 * Whether the deployment's settings allow to start Codex before its thread is known. Programs that Codex starts by itself, hooks and MCP servers that
 * get its variables, would not have those of the thread.
 */
export async function allowsSpares(
  { workspaceTemplate }: Pick<HarnessThread, 'workspaceTemplate'>,
  sandbox: Pick<Sandbox, 'templateText'>,
): Promise<boolean> {
  const read = (path: string): Promise<string | undefined> => sandbox.templateText(path, workspaceTemplate);
  const [homeHooks, workspaceHooks] = [await read('home/.codex/hooks.json'), await read('workspace/.codex/hooks.json')];
  const configs = [await read('home/.codex/config.toml'), await read('workspace/.codex/config.toml')];
  const startsPrograms = configs.some((config) => config !== undefined && STARTS_PROGRAMS.test(config));
  return homeHooks === undefined && workspaceHooks === undefined && !startsPrograms;
}

async function isAs(files: ThreadFiles, path: string, text: string | undefined): Promise<boolean> {
  try {
    return (await files.readText(path, MAX_BYTES)) === text;
  } catch (error) {
    if (error instanceof ThreadFileError) return false;
    throw error;
  }
}
