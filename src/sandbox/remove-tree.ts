import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { chmod, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { errorCode } from './errors.js';
import { type FolderHandle, NotAFolderError, openFolder, permitted } from './folder-handle.js';

/** How many entries of a folder are removed at once: a folder may have millions. */
const AT_A_TIME = 64;

/**
 * Removes an entry of an open folder with all that is in it; one that is not there is no error. Links are removed, never
 * followed. Folders without write permission are opened to their owner, and a tree of any depth is taken apart: its folders are
 * first moved up beside it, so that no path gets too long.
 *
 * Removes what it can, and rejects with the first error when something is left.
 */
export async function removeEntry(folder: FolderHandle, name: string): Promise<void> {
  const run = `.removing-${randomUUID()}`;
  const waiting = [name];
  let moved = 0;
  let failure: unknown;
  const attempt = async (task: () => Promise<void>): Promise<void> => {
    try {
      await task();
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') failure ??= error;
    }
  };
  const moveUp = async (path: string): Promise<void> => {
    moved += 1;
    const next = `${run}-${moved}`;
    await rename(path, `${folder.path}/${next}`);
    waiting.push(next);
  };
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const path = `${folder.path}/${next}`;
    await attempt(async () => {
      await emptyFolder(path, moveUp, attempt).catch((error: unknown) => {
        if (!(error instanceof NotAFolderError)) throw error;
        return permitted(folder, () => unlink(path));
      });
    });
  }
  if (failure !== undefined) throw failure;
}

/** Removes what is in a folder, but for its subfolders, which are moved away; then the folder itself. */
async function emptyFolder(
  path: string,
  moveUp: (path: string) => Promise<void>,
  attempt: (task: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const folder = await openFolder(path);
  try {
    // Nobody but its owner can do that, and nobody else needs it.
    await chmod(folder.path, 0o700);
    const take = async (entry: Dirent): Promise<void> => {
      const entryPath = `${folder.path}/${entry.name}`;
      await attempt(() => (entry.isDirectory() ? moveSubfolder(entryPath, moveUp) : unlink(entryPath)));
    };
    let some: Dirent[] = [];
    for await (const entry of await opendir(folder.path)) {
      some.push(entry);
      if (some.length < AT_A_TIME) continue;
      await Promise.all(some.map(take));
      some = [];
    }
    await Promise.all(some.map(take));
  } finally {
    await folder.close();
  }
  await rmdir(path);
}

/** To be moved, a folder has to be writable itself: its `..` changes. */
async function moveSubfolder(path: string, moveUp: (path: string) => Promise<void>): Promise<void> {
  const subfolder = await openFolder(path);
  try {
    await chmod(subfolder.path, 0o700);
  } finally {
    await subfolder.close();
  }
  await moveUp(path);
}
