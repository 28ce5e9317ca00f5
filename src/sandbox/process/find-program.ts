import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where a program is: the absolute path of an executable file, or `undefined`. A name is looked up on `path`. */
export function findProgram(command: string, path: string | undefined): string | undefined {
  if (command === '') return undefined;
  const candidates = command.includes('/')
    ? [command]
    : (path ?? '')
        .split(delimiter)
        .filter((entry) => entry !== '')
        .map((entry) => join(entry, command));
  const found = candidates.find(isExecutableFile);
  return found === undefined ? undefined : resolve(found);
}

/** Whatever cannot be looked at is no program, and shells go on to the next entry of `PATH`, too: a closed folder, a loop of links. */
function isExecutableFile(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
