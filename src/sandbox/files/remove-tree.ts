import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { chmod, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import { type FolderHandle, NotAFolderError, openFolder, openUp, withPermission } from './folder-handle.js';

/** How many entries of a folder are removed at once: a folder may have millions. */
const AT_A_TIME = 64;

/**
 * Removes an entry of an open folder with all that is in it; one that is not there is no error. Links are removed, never
 * followed; folders without write permission are opened to their owner; and a tree of any depth is taken apart from its top, by
 * moving its folders up into the open one, so that no path gets too long.
 *
 * Removes what it can, and rejects with the first error when something is left.
 */
export async function removeEntry(folder: FolderHandle, name: string): Promise<void> {
  const failures: unknown[] = [];
  const note = (error: unknown): void => {
    if (readErrorCode(error) !== 'ENOENT') failures.push(error);
  };
  const waiting = [name];
  const moveUp = async (subfolder: string): Promise<void> => {
    const moved = `.removing-${randomUUID()}`;
    await openUp(subfolder);
    await rename(subfolder, `${folder.path}/${moved}`);
    waiting.push(moved);
  };
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const path = `${folder.path}/${next}`;
    try {
      await emptyFolder(path, (subfolder) => moveUp(subfolder).catch(note), note);
      await withPermission(folder, () => rmdir(path));
    } catch (error) {
      if (error instanceof NotAFolderError) await withPermission(folder, () => unlink(path)).catch(note);
      else note(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

/** Removes what is in a folder, but for its subfolders: those are moved away. */
async function emptyFolder(
  path: string,
  moveAway: (subfolder: string) => Promise<void>,
  note: (error: unknown) => void,
): Promise<void> {
  const folder = await openFolder(path);
  try {
    await chmod(folder.path, 0o700);
    const take = (entry: Dirent): Promise<void> => {
      const entryPath = `${folder.path}/${entry.name}`;
      return entry.isDirectory() ? moveAway(entryPath) : unlink(entryPath).catch(note);
    };
    let some: Promise<void>[] = [];
    for await (const entry of await opendir(folder.path)) {
      some.push(take(entry));
      if (some.length < AT_A_TIME) continue;
      await Promise.all(some);
      some = [];
    }
    await Promise.all(some);
  } finally {
    await folder.close();
  }
}
