import { randomUUID } from 'node:crypto';
import { constants, existsSync } from 'node:fs';
import { chmod, chown, lchown, lstat, mkdir, open, realpath, rename, stat, type FileHandle } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';

/** `O_PATH` of Linux, which Node has no name for: a handle to an entry of any kind, without opening it or following a link. */
const O_PATH = 0o10000000;

/** Whether this system names an open handle by a path, which makes every look-up relative to a handle and thus free of races. */
const HAS_HANDLE_PATHS = existsSync('/proc/self/fd');

/**
 * A folder that stays the same one whatever is renamed or linked in the meantime. `path` names it for as long as it is open;
 * entries are to be named as `${path}/${name}`, one level at a time, and never followed.
 */
export interface FolderHandle {
  readonly path: string;
  /** The user id that gets what is made in it; absent for the server's own. */
  readonly owner?: number;
  /** The id of the group that may only read what is made in it, which stays the server's; absent for nobody else. */
  readonly reader?: number;
  close(): Promise<void>;
}

/** An entry that is not what it has to be, such as a link where a folder was expected. */
export class NotAFolderError extends Error {
  constructor() {
    super('not a folder');
    this.name = 'NotAFolderError';
  }
}

/**
 * Opens a folder; never through a link in the last component.
 *
 * @throws NotAFolderError for a link or anything else that is no folder, and system errors such as ENOENT.
 */
export async function openFolder(path: string): Promise<FolderHandle> {
  if (HAS_HANDLE_PATHS) {
    try {
      const flags = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
      return handlePath(await open(path, flags));
    } catch (error) {
      throw isNotAFolder(error) ? new NotAFolderError() : error;
    }
  }
  // Without handle paths (macOS) a link that is put in place between this look and the use of the path is not noticed.
  if (!(await lstat(path)).isDirectory()) throw new NotAFolderError();
  return { path: await realpath(path), close: () => Promise.resolve() };
}

/** Gives a folder's owner all rights to it, and nobody else any. It has to be writable to be moved, as its `..` changes. */
export async function openUp(path: string): Promise<void> {
  const folder = await openFolder(path);
  try {
    await chmod(folder.path, 0o700);
  } finally {
    await folder.close();
  }
}

/** A handle to an entry of any kind, to look at it without opening it: opening a FIFO waits, opening a device can act. */
export async function openEntry(path: string): Promise<FileHandle> {
  return open(path, HAS_HANDLE_PATHS ? O_PATH | constants.O_NOFOLLOW : constants.O_NOFOLLOW | constants.O_NONBLOCK);
}

/** The folder of a thread with what the server writes for its agent. That stays the server's: its owner could change its mode, or worse. */
export const SERVER_FOLDER = 'server';

/** The path under which an entry that {@link openEntry} gave can be opened, or its mode changed. */
export function toEntryPath(entry: FileHandle, path: string): string {
  return HAS_HANDLE_PATHS ? `/proc/self/fd/${entry.fd}` : path;
}

async function openSubfolder(folder: FolderHandle, name: string, make: boolean): Promise<FolderHandle> {
  const path = `${folder.path}/${name}`;
  return withPermission(folder, async () => {
    try {
      return await openFolder(path);
    } catch (error) {
      if (!make || readErrorCode(error) !== 'ENOENT') throw error;
    }
    const isNew = await mkdir(path, { mode: 0o700 }).then(() => true, ignoreExisting);
    if (isNew) await giveToOwner(folder, path);
    return openFolder(path);
  });
}

/**
 * Walks down from a folder, one level at a time, so that no link is followed; the caller closes what it gets. `make` makes what is
 * not there, and sets aside what is no folder, under another name.
 *
 * @throws NotAFolderError unless `make`, and system errors.
 */
export async function openFolderBelow(root: string, names: readonly string[], make: boolean): Promise<FolderHandle> {
  const top = await openFolder(root);
  const { owner: user, ...others } = await findOwner(top);
  const owner = user === undefined ? others : names[0] === SERVER_FOLDER ? { reader: user } : { owner: user };
  let folder: FolderHandle = { ...top, ...owner };
  for (const name of names) {
    const above = folder;
    try {
      const below = make ? await openOrReplace(above, name) : await openSubfolder(above, name, false);
      folder = { ...below, ...owner };
    } finally {
      await above.close();
    }
  }
  return folder;
}

/** Gives a new entry to the user whose folder it is in, or lets that user read it. */
export async function giveToOwner({ owner, reader }: FolderHandle, path: string): Promise<void> {
  if (owner !== undefined) await lchown(path, owner, owner);
  if (reader !== undefined) await lendEntry(path, reader);
}

/** Takes an entry over for the server, and lets a group read it. Only in a folder in which nobody else can put something in its place. */
export async function lendEntry(path: string, reader: number): Promise<void> {
  await lchown(path, process.geteuid?.() ?? 0, reader);
  const found = await lstat(path);
  if (!found.isSymbolicLink()) await chmod(path, found.isDirectory() ? 0o750 : 0o640);
}

/** Gives a thread's user the rights to a folder that it should have, whatever was done to it: all, or in a folder of the server's to read. */
export async function openToUser({ path, owner, reader }: FolderHandle): Promise<void> {
  if (reader !== undefined) {
    await chown(path, process.geteuid?.() ?? 0, reader);
    await chmod(path, 0o750);
    return;
  }
  // Another owner is the server, which keeps files of the deployment in it: see deployed-files.ts.
  if (owner === undefined || (await stat(path)).uid === owner) await chmod(path, 0o700);
}

/** Whose a thread's folder is. Only a server that runs as root has threads of other users. */
async function findOwner({ path }: FolderHandle): Promise<Pick<FolderHandle, 'owner'>> {
  if (process.geteuid?.() !== 0) return {};
  const { uid } = await stat(path);
  return uid === 0 ? {} : { owner: uid };
}

/**
 * Runs a task on the entries of a folder; once more, with all rights of the owner given back to the folder, when those were
 * lacking. Go's module cache, for one, is made of folders that not even their owner may write to.
 */
export async function withPermission<Result>(folder: FolderHandle, task: () => Promise<Result>): Promise<Result> {
  try {
    return await task();
  } catch (error) {
    if (readErrorCode(error) !== 'EACCES') throw error;
    await chmod(folder.path, 0o700);
    return task();
  }
}

async function openOrReplace(folder: FolderHandle, name: string): Promise<FolderHandle> {
  try {
    return await openSubfolder(folder, name, true);
  } catch (error) {
    if (!(error instanceof NotAFolderError)) throw error;
    await withPermission(folder, () => rename(`${folder.path}/${name}`, `${folder.path}/.${name}.${randomUUID()}`));
    return openSubfolder(folder, name, true);
  }
}

function handlePath(handle: FileHandle): FolderHandle {
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close() };
}

function ignoreExisting(error: unknown): false {
  if (readErrorCode(error) !== 'EEXIST') throw error;
  return false;
}

function isNotAFolder(error: unknown): boolean {
  return ['ENOTDIR', 'ELOOP'].includes(readErrorCode(error) ?? '');
}
