import { mkdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Creates a folder and its parents. Node's own `recursive` never returns for a folder below /proc: mkdir fails there with ENOENT,
 * which Node takes for a missing parent and retries forever.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  try {
    await mkdir(path);
  } catch (error) {
    // Another process may have created it in the meantime.
    if (!(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

/** How many bytes this user may still write to the disk of a folder. */
export async function readFreeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Below this much free space SQLite cannot create its files. */
const FULL_BYTES = 1024 * 1024;

/** A note for an error message when the folder's disk is full: SQLite reports only an I/O error or a file that it cannot open. */
export async function describeFullDisk(folder: string): Promise<string> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(folder);
    if (bavail * bsize < FULL_BYTES) return ' (its disk is full)';
    return files > 0 && ffree === 0 ? ' (its disk has no free inodes)' : '';
  } catch {
    // The error that this note belongs to says what is wrong.
    return '';
  }
}
