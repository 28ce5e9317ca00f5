import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { chmod, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import { type FolderHandle, giveToOwner, openEntry, toEntryPath, withPermission } from './folder-handle.js';
import { removeEntry } from './remove-tree.js';

/** A link, a FIFO, a device, a socket or a folder where a file was expected. */
export class NotARegularFileError extends Error {
  constructor() {
    super('not a regular file');
    this.name = 'NotARegularFileError';
  }
}

/**
 * Opens a file of an open folder for the length of a task; nothing else than a regular file is ever opened. `own` is a path of just
 * this file, whatever has its name meanwhile.
 *
 * @throws NotARegularFileError and system errors such as ENOENT.
 */
export async function openRegularFile<Result>(
  folder: FolderHandle,
  name: string,
  flags: number,
  task: (file: FileHandle, stats: Stats, own: string) => Promise<Result>,
): Promise<Result> {
  const named = `${folder.path}/${name}`;
  const entry = await withPermission(folder, () => openEntry(named)).catch((error: unknown) => {
    throw readErrorCode(error) === 'ELOOP' ? new NotARegularFileError() : error;
  });
  try {
    const found = await entry.stat();
    if (!found.isFile()) throw new NotARegularFileError();
    const own = toEntryPath(entry, named);
    const file = await openPermitted(own, flags | constants.O_NONBLOCK, found.mode);
    try {
      const stats = await file.stat();
      if (stats.ino !== found.ino || stats.dev !== found.dev) throw new NotARegularFileError();
      return await task(file, stats, own);
    } finally {
      await file.close();
    }
  } finally {
    await entry.close();
  }
}

/** Reads a part of a file, which is shorter when the file has become so. */
export async function readPart(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** Has a new entry made under another name, and puts it in the place of whatever has its name: a folder, too. */
export async function replaceEntry(
  folder: FolderHandle,
  name: string,
  make: (draft: string) => Promise<void>,
): Promise<void> {
  const draft = `${folder.path}/.${randomUUID()}.tmp`;
  const target = `${folder.path}/${name}`;
  try {
    await withPermission(folder, () => make(draft));
    await giveToOwner(folder, draft);
    await rename(draft, target).catch(async (error: unknown) => {
      if (!['EISDIR', 'ENOTEMPTY', 'EEXIST'].includes(readErrorCode(error) ?? '')) throw error;
      await removeEntry(folder, name);
      await rename(draft, target);
    });
  } catch (error) {
    await unlink(draft).catch(ignoreMissing);
    throw error;
  }
}

async function openPermitted(path: string, flags: number, mode: number): Promise<FileHandle> {
  try {
    return await open(path, flags);
  } catch (error) {
    if (readErrorCode(error) !== 'EACCES') throw error;
    await chmod(path, (mode & 0o777) | 0o600);
    return open(path, flags);
  }
}

function ignoreMissing(error: unknown): void {
  if (readErrorCode(error) !== 'ENOENT') throw error;
}
