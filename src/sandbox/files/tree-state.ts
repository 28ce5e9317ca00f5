import { createHash } from 'node:crypto';
import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A digest of folders and files as they are on the disk: other ones after any change of an entry's name, size, place or times. What is not there, or
 * cannot be read, counts as that. Follows links at the top only.
 */
export async function readTreeState(paths: readonly (string | undefined)[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    if (path === undefined) continue;
    hash.update(`${path}\n`);
    await addEntry(path, true, (line) => hash.update(line));
  }
  return hash.digest('hex');
}

async function addEntry(path: string, follows: boolean, add: (line: string) => void): Promise<void> {
  let isFolder: boolean;
  try {
    const entry = await (follows ? stat(path) : lstat(path));
    isFolder = entry.isDirectory();
    add(`${path} ${entry.ino} ${entry.size} ${entry.mode} ${entry.mtimeMs} ${entry.ctimeMs}\n`);
  } catch {
    // Its absence is a state, too; whoever needs it finds out why.
    add(`${path} -\n`);
    return;
  }
  if (!isFolder) return;
  const names = await readdir(path).catch((): readonly string[] => []);
  for (const name of names.toSorted(byName)) await addEntry(join(path, name), false, add);
}

function byName(one: string, other: string): number {
  return one < other ? -1 : 1;
}
