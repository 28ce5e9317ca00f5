import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { delimiter, isAbsolute, join, sep } from 'node:path';

const PROBE_TIMEOUT_MILLISECONDS = 5_000;

/**
 * Asks a program for its version with `--version`; `command` is an absolute path or a name on the server's `PATH`. `undefined` when
 * it is not there, does not answer within 5 seconds, or prints nothing like a version. Never rejects.
 */
export async function probeVersion(command: string): Promise<string | undefined> {
  const path = await findProgram(command);
  return path === undefined ? undefined : versionIn(await outputOf(path));
}

/** The first version number in a text: `codex-cli 0.169.0` and `2.1.330 (Claude Code)` alike. */
export function versionIn(text: string): string | undefined {
  return /\d+\.\d+\.\d+[\w.+-]*/.exec(text)?.[0];
}

/** The absolute path of a program, looked up on `PATH` unless it is a path already; `undefined` when it cannot be run. */
export async function findProgram(command: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  if (isAbsolute(command)) return (await isProgram(command)) ? command : undefined;
  // A relative path would depend on where the server was started.
  if (command === '' || command.includes(sep)) return undefined;
  for (const folder of path.split(delimiter).filter(isAbsolute)) {
    const candidate = join(folder, command);
    if (await isProgram(candidate)) return candidate;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function outputOf(path: string): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: PROBE_TIMEOUT_MILLISECONDS, killSignal: 'SIGKILL', encoding: 'utf8' } as const;
    execFile(path, ['--version'], options, (error, stdout) => resolve(error === null ? stdout : ''));
  });
}
