import type { Stats } from 'node:fs';
import { lstat, opendir, readlink } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import {
  type FolderHandle,
  NotAFolderError,
  openFolder,
  openFolderBelow,
  withPermission,
} from '../files/folder-handle.js';

/** How many entries of a folder are looked at together. */
const BATCH_SIZE = 64;

/** Folders below this depth are left out: each open level takes a file descriptor of the server. */
const MAX_DEPTH = 200;

/** What an agent may do to its files while they are looked at: then they are left out. */
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENAMETOOLONG'];

/** An entry below a thread's folder. */
export interface TreeEntry {
  /** Relative to the thread's folder, with `/`. */
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'link';
  /** Permissions: nine bits. */
  readonly mode: number;
  /** Milliseconds since the epoch, with fractions. */
  readonly modifiedMs: number;
  /** Bytes of a file; 0 for the others. */
  readonly size: number;
  /** Where a link leads, as it says itself; empty for the others. */
  readonly target: string;
  /** Changes with every change of a file: an equal stamp means equal contents. */
  readonly stamp: string;
  /** When the entry was changed last in any way, by the clock of its disk; milliseconds since the epoch. */
  readonly changedMs: number;
}

/** What a walk leaves out. */
export interface WalkReport {
  /** Folders that are nested too deeply. */
  readonly tooDeep: number;
}

/**
 * Looks at a folder and all that is in it, folders before what is in them, in no other order. Follows no link, at no level. Sockets, FIFOs and devices
 * are passed over, and so is what disappears or is replaced meanwhile. A folder that is not there is no error.
 *
 * @param root absolute path of the thread's folder
 * @param path below it, with `/`
 * @param visit gets each entry; `false` leaves out what is in a folder. What it throws ends the walk
 */
export async function walkTree(
  root: string,
  path: string,
  visit: (entry: TreeEntry) => boolean | void,
): Promise<WalkReport> {
  let tooDeep = 0;
  const names = path.split('/');

  async function walk(folder: FolderHandle, prefix: string, depth: number): Promise<void> {
    for (const entry of await readFolder(folder, prefix)) {
      if (visit(entry) === false || entry.kind !== 'folder') continue;
      if (depth >= MAX_DEPTH) tooDeep += 1;
      else await enter(() => openFolder(`${folder.path}/${nameOf(entry.path)}`), folder, entry.path, depth + 1);
    }
  }

  async function enter(
    open: () => Promise<FolderHandle>,
    above: FolderHandle | undefined,
    prefix: string,
    depth: number,
  ): Promise<void> {
    const folder = await (above === undefined ? open() : withPermission(above, open)).catch(undefinedIfGone);
    if (folder === undefined) return;
    try {
      await walk(folder, prefix, depth);
    } finally {
      await folder.close();
    }
  }

  const top = await openFolderBelow(root, names, false).catch(undefinedIfGone);
  if (top === undefined) return { tooDeep };
  try {
    // The dot makes the system look at the folder behind the handle.
    const entry = toEntry(path, await lstat(`${top.path}/.`), '');
    if (entry !== undefined && visit(entry) !== false) await walk(top, path, 1);
  } finally {
    await top.close();
  }
  return { tooDeep };
}

/** All entries of a folder, sorted by name, so that two walks of the same files are equal. */
async function readFolder(folder: FolderHandle, prefix: string): Promise<readonly TreeEntry[]> {
  const names: string[] = [];
  for await (const { name } of await withPermission(folder, () => opendir(folder.path))) names.push(name);
  names.sort();
  const entries: TreeEntry[] = [];
  for (let start = 0; start < names.length; start += BATCH_SIZE) {
    const batch = names.slice(start, start + BATCH_SIZE);
    const read = await Promise.all(batch.map((name) => readEntry(folder, name, `${prefix}/${name}`)));
    for (const entry of read) if (entry !== undefined) entries.push(entry);
  }
  return entries;
}

/** Looks at an entry of a folder; `undefined` for one that is gone, or of a kind that is passed over. */
export async function readEntry(folder: FolderHandle, name: string, path: string): Promise<TreeEntry | undefined> {
  const own = `${folder.path}/${name}`;
  try {
    const stats = await withPermission(folder, () => lstat(own));
    return toEntry(path, stats, stats.isSymbolicLink() ? await readlink(own) : '');
  } catch (error) {
    return undefinedIfGone(error);
  }
}

function toEntry(path: string, stats: Stats, target: string): TreeEntry | undefined {
  const kind = toKind(stats);
  if (kind === undefined) return undefined;
  return {
    path,
    kind,
    mode: stats.mode & 0o777,
    modifiedMs: stats.mtimeMs,
    size: kind === 'file' ? stats.size : 0,
    target,
    stamp: toStamp(stats),
    changedMs: stats.ctimeMs,
  };
}

/** See {@link TreeEntry.stamp}. The system sets the time of change itself, so that no program can keep it while it changes a file. */
export function toStamp({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return [dev, ino, size, mtimeMs, ctimeMs].join(':');
}

function toKind(stats: Stats): TreeEntry['kind'] | undefined {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** For what an agent may do to its files while they are looked at. Throws any other error. */
export function undefinedIfGone(error: unknown): undefined {
  if (!(error instanceof NotAFolderError) && !GONE.includes(readErrorCode(error) ?? '')) throw error;
}
