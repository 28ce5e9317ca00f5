import { join } from 'node:path';
import type { HarnessThread } from '../../harness.js';
import { SESSIONS_FOLDER, toSessionFileName } from '../record/session-file.js';

/** How pi is started for a thread. */
export interface PiLaunch {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Files that a process is started with; absolute paths. */
export interface PiStartFiles {
  /** Its folder of settings. */
  readonly folder: string;
  /** What is appended to its own instructions, in this order. */
  readonly instructions: readonly string[];
  /** The model that the deployment's settings choose; `undefined` to leave it to pi. */
  readonly defaultModel: string | undefined;
}

/** Without these, pi 1.6.0 offers tools of extensions and of MCP servers, and tells of skills (cli.md). */
const NO_TOOLS = ['--no-tools', '--no-extensions', '--no-mcp', '--no-skills', '--no-prompt-templates'];

/**
 * The command line and the variables of pi 1.6.0.
 *
 * `--no-approve`: settings, extensions and MCP servers of a workspace are the agent's own. `--no-context-files`: pi would read `AGENTS.md` of the folders
 * above the workspace, too; that of the workspace is in the instructions. `PI_OFFLINE`: it would load a catalog of models and look for a newer version.
 */
export function toPiLaunch(
  { folders, env, model, tools }: Pick<HarnessThread, 'folders' | 'env' | 'model' | 'tools'>,
  sessionId: string,
  { folder, instructions, defaultModel }: PiStartFiles,
): PiLaunch {
  const sessions = join(folders.home, SESSIONS_FOLDER);
  // Else the record would decide, in which an agent can write.
  const asked = model ?? defaultModel;
  return {
    args: [
      ...['--mode', 'rpc', '--no-approve', '--no-context-files', '--no-themes'],
      ...['--session', join(sessions, toSessionFileName(sessionId))],
      ...instructions.flatMap((path) => ['--append-system-prompt', path]),
      ...(asked === undefined ? [] : ['--model', asked]),
      ...(tools === 'none' ? NO_TOOLS : []),
    ],
    env: {
      ...{ PI_OFFLINE: '1', PI_TELEMETRY: '0' },
      ...env,
      PI_CODING_AGENT_DIR: folder,
      PI_CODING_AGENT_SESSION_DIR: sessions,
    },
  };
}
