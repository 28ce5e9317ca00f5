import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** Finds the program of a client on the `PATH` of the user; `undefined` if it is not there. */
export async function findClientProgram(name: string, path = process.env['PATH'] ?? ''): Promise<string | undefined> {
  for (const folder of path.split(delimiter).filter((part) => part !== '')) {
    const file = join(folder, name);
    try {
      await access(file, constants.X_OK);
      return file;
    } catch {
      // It is not in this folder.
    }
  }
  return undefined;
}
