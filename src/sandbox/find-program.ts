import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';

/** Where a program is: the absolute path of an executable file, or `undefined`. A name is looked up on `path`. */
export function findProgram(command: string, path: string | undefined): string | undefined {
  if (command === '') return undefined;
  const candidates = command.includes('/')
    ? [resolve(command)]
    : (path ?? '')
        .split(delimiter)
        .filter((entry) => entry !== '')
        .map((entry) => resolve(entry, command));
  return candidates.find(isExecutableFile);
}

function isExecutableFile(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // The answer of `access`: it is there, but not ours to run.
    return false;
  }
}
