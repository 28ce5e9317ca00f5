import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';

const TIMEOUT_MILLISECONDS = 5_000;

/** The absolute path of a program, itself absolute or a name on `searchPath`; `undefined` when it is not there. Never rejects. */
export async function findProgram(command: string, searchPath: string): Promise<string | undefined> {
  const candidates = isAbsolute(command)
    ? [command]
    : searchPath
        .split(delimiter)
        .filter((folder) => folder !== '')
        .map((folder) => join(folder, command));
  for (const candidate of candidates) {
    if (await isExecutable(candidate)) return candidate;
  }
  return undefined;
}

/** The version that `<program> --version` prints, as `2.1.330`; `undefined` when it says none within 5 s. Never rejects. */
export function versionOf(program: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MILLISECONDS, killSignal: 'SIGKILL' } as const;
    execFile(program, ['--version'], options, (error, output) => {
      resolve(error === null ? /\d+\.\d+\.\d+\S*/.exec(output)?.[0] : undefined);
    });
  });
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}
