import { chmod, chown, open } from 'node:fs/promises';
import { type FolderHandle, NotAFolderError, openFolderBelow } from '../files/folder-handle.js';
import { NotARegularFileError, openRegularFile, readPart, replaceEntry } from '../files/regular-file.js';
import { ThreadFileError, ThreadFiles } from '../files/thread-files.js';
import { constants } from 'node:fs';
import { readErrorCode } from '../errors.js';

/** Others may make entries in such a folder, and change their own ones only (the sticky bit, inode(7)). */
const SHARED_MODE = 0o1770;

/** Writes a file of the deployment into a thread, unless it is there as it should be. Whatever else has its name is replaced. */
export async function putFile(files: ThreadFiles, path: string, text: string): Promise<void> {
  if (!(await holds(files, path, text))) await files.write(path, text);
}

async function holds(files: ThreadFiles, path: string, text: string): Promise<boolean> {
  try {
    return (await files.readText(path, Buffer.byteLength(text))) === text;
  } catch (error) {
    if (error instanceof ThreadFileError) return false;
    throw error;
  }
}

/**
 * The same, and makes the file and the folders above it the server's, so that the thread's user reads the file, and cannot change, rename or
 * remove any of them. In the folders it makes, and changes, entries of its own as before. A server that is not root has no other user: then it
 * is {@link putFile}.
 *
 * @param root absolute path of the thread's folder
 */
export async function lockFile(root: string, path: string, text: string): Promise<void> {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  const folders = parts.map((_, index) => parts.slice(0, index + 1));
  // From the top down: what is below a locked folder cannot be exchanged any more.
  for (const [index, folder] of folders.entries()) {
    const handle = await openFolderBelow(root, folder, true);
    try {
      const { owner } = handle;
      if (owner === undefined) return await putFile(new ThreadFiles(root), path, text);
      await chown(handle.path, serverId(), owner);
      await chmod(handle.path, SHARED_MODE);
      if (index === folders.length - 1) await putLocked(handle, owner, name, text);
    } finally {
      await handle.close();
    }
  }
}

async function putLocked(folder: FolderHandle, reader: number, name: string, text: string): Promise<void> {
  if (await isLocked(folder, name, text)) return;
  await replaceEntry({ path: folder.path, reader, close: () => Promise.resolve() }, name, async (draft) => {
    const file = await open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
  });
}

/** Whether the file is there, is the server's, and has the text. */
async function isLocked(folder: FolderHandle, name: string, text: string): Promise<boolean> {
  try {
    return await openRegularFile(folder, name, constants.O_RDONLY, async (file, { uid, mode, size }) => {
      const wanted = Buffer.from(text);
      const isOurs = uid === serverId() && (mode & 0o022) === 0 && size === wanted.length;
      return isOurs && (await readPart(file, 0, size)).equals(wanted);
    });
  } catch (error) {
    if (error instanceof NotARegularFileError || error instanceof NotAFolderError) return false;
    if (readErrorCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function serverId(): number {
  return process.geteuid?.() ?? 0;
}
