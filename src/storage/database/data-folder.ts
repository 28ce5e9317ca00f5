import { mkdir, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a folder and those above it. Node's own `recursive` never returns for a folder below /proc: mkdir fails there with ENOENT,
 * which it takes for a missing parent, again and again.
 */
export async function makeFolder(path: string): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path));
  try {
    await mkdir(path);
  } catch (error) {
    // Somebody else may just have made it.
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

/** Less free space than SQLite needs to make its files, in bytes. */
const FULL_BYTES = 1024 * 1024;

/** Says that a folder's disk is full, where it is: SQLite calls that an I/O error, or a file that cannot be opened. */
export async function diskNote(folder: string): Promise<string> {
  try {
    const { bavail, bsize, files, ffree } = await statfs(folder);
    if (bavail * bsize < FULL_BYTES) return ' (its disk is full)';
    return files > 0 && ffree === 0 ? ' (its disk takes no more files)' : '';
  } catch {
    // The error that this is a note to says what is wrong.
    return '';
  }
}
