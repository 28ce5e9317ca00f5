import { constants, type Dirent, type Stats } from 'node:fs';
import { chmod, copyFile, lutimes, mkdir, open, opendir, readlink, symlink, utimes } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import { type FolderHandle, NotAFolderError, openEntry, openFolder, withPermission } from './folder-handle.js';
import { NotARegularFileError, openRegularFile, readPart } from './regular-file.js';

/** How many entries of a folder are copied at once. */
const AT_A_TIME = 32;

/** Folders below this depth are not copied: each open level takes two file descriptors of the server. */
const MAX_DEPTH = 200;

/** A file with more than this many bytes that are not on the disk is copied with its holes, so that it does not fill the disk. */
const MIN_HOLE_BYTES = 1024 * 1024;
const BLOCK_BYTES = 512;

/**
 * Copies what is in an open folder into another one: files, folders and links, with their modes and times. Sockets, FIFOs and devices are
 * passed over, and so is what disappears meanwhile. No link is followed, at no level: a program of another thread may put one
 * anywhere while this runs. Where the disk can (Btrfs, XFS, ZFS), a copy shares its blocks with the original.
 *
 * Returns how many folders were too deep to be copied. Rejects with the first system error.
 */
export async function copyEntries(from: FolderHandle, to: FolderHandle, depth = 0): Promise<number> {
  let tooDeep = 0;
  let some: Promise<void>[] = [];
  for await (const entry of await withPermission(from, () => opendir(from.path))) {
    if (entry.isDirectory()) {
      tooDeep += await copyFolder(from, to, entry.name, depth + 1).catch(ignoreReplaced);
      continue;
    }
    some.push(
      copyOther(from, to, entry)
        .catch(ignoreReplaced)
        .then(() => undefined),
    );
    if (some.length < AT_A_TIME) continue;
    await Promise.all(some);
    some = [];
  }
  await Promise.all(some);
  return tooDeep;
}

async function copyFolder(from: FolderHandle, to: FolderHandle, name: string, depth: number): Promise<number> {
  if (depth > MAX_DEPTH) return 1;
  const source = await withPermission(from, () => openFolder(`${from.path}/${name}`));
  try {
    const stats = await readStats(`${from.path}/${name}`);
    await mkdir(`${to.path}/${name}`, { mode: 0o700 });
    const target = await openFolder(`${to.path}/${name}`);
    try {
      const tooDeep = await copyEntries(source, target, depth);
      await applyStats(target.path, stats);
      return tooDeep;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

function copyOther(from: FolderHandle, to: FolderHandle, entry: Dirent): Promise<void> {
  const target = `${to.path}/${entry.name}`;
  if (entry.isSymbolicLink()) return copyLink(`${from.path}/${entry.name}`, target);
  return entry.isFile() ? copyRegularFile(from, entry.name, target) : Promise.resolve();
}

async function copyLink(source: string, target: string): Promise<void> {
  const { atime, mtime } = await readStats(source);
  await symlink(await readlink(source), target);
  await lutimes(target, atime, mtime);
}

async function copyRegularFile(from: FolderHandle, name: string, target: string): Promise<void> {
  await openRegularFile(from, name, constants.O_RDONLY, async (file, stats, own) => {
    const { size, blocks } = stats;
    if (size - blocks * BLOCK_BYTES > MIN_HOLE_BYTES) await copyWithHoles(file, size, target);
    else await copyFile(own, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    await applyStats(target, stats);
  });
}

/** Copies a file without writing the parts that are all zeros. */
async function copyWithHoles(file: Parameters<typeof readPart>[0], size: number, path: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const target = await open(path, flags, 0o600);
  try {
    const zeros = Buffer.alloc(MIN_HOLE_BYTES);
    for (let offset = 0; offset < size; offset += MIN_HOLE_BYTES) {
      const part = await readPart(file, offset, Math.min(MIN_HOLE_BYTES, size - offset));
      if (part.equals(zeros.subarray(0, part.length))) continue;
      await target.write(part, 0, part.length, offset);
    }
    await target.truncate(size);
  } finally {
    await target.close();
  }
}

async function readStats(path: string): Promise<Stats> {
  const entry = await openEntry(path);
  try {
    return await entry.stat();
  } finally {
    await entry.close();
  }
}

async function applyStats(path: string, { mode, atime, mtime }: Stats): Promise<void> {
  await chmod(path, mode & 0o777);
  await utimes(path, atime, mtime);
}

/** An entry that was removed or replaced since its name was read is passed over. */
function ignoreReplaced(error: unknown): number {
  if (error instanceof NotAFolderError || error instanceof NotARegularFileError || readErrorCode(error) === 'ENOENT') {
    return 0;
  }
  throw error;
}
