import { lstat, readdir } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import { type FolderHandle, NotAFolderError, openFolder } from '../files/folder-handle.js';

/** How many entries of a folder are looked at together. */
const BATCH_SIZE = 64;

/** Blocks of `stat`, whatever the file system's own block size (stat(2)). */
const BLOCK_BYTES = 512;

/** What an agent may do to its files while they are counted: then they are not counted. */
const GONE = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EACCES', 'ENAMETOOLONG'];

/**
 * Bytes that a folder with everything in it takes on the disk; 0 if there is none. Follows no link, and counts a file with several names
 * once. Stops as soon as it has counted more than `enoughBytes`. Only waits for the system, so that other work goes on.
 */
export async function measureDisk(path: string, enoughBytes = Number.POSITIVE_INFINITY): Promise<number> {
  const count = new DiskCount(enoughBytes);
  try {
    const folder = await openFolder(path);
    try {
      await count.add(folder);
    } finally {
      await folder.close();
    }
  } catch (error) {
    ignoreGone(error);
  }
  return count.bytes;
}

/** A walk through folders, one level at a time, relative to open folders. */
class DiskCount {
  bytes = 0;
  readonly #seen = new Set<string>();

  constructor(private readonly enoughBytes: number) {}

  /** Adds what is in a folder. */
  async add(folder: FolderHandle): Promise<void> {
    // The slash makes the system list the folder behind the handle.
    const names = await readdir(`${folder.path}/`);
    for (let start = 0; start < names.length; start += BATCH_SIZE) {
      if (this.bytes > this.enoughBytes) return;
      const batch = names.slice(start, start + BATCH_SIZE);
      const folders = await Promise.all(batch.map((name) => this.#addEntry(`${folder.path}/${name}`)));
      for (const path of folders) if (path !== undefined) await this.#addFolder(path);
    }
  }

  /** Counts one entry. Resolves to its path if it is a folder. */
  async #addEntry(path: string): Promise<string | undefined> {
    try {
      const entry = await lstat(path, { bigint: true });
      if (entry.nlink > 1n && !entry.isDirectory()) {
        const identity = `${String(entry.dev)}:${String(entry.ino)}`;
        if (this.#seen.has(identity)) return undefined;
        this.#seen.add(identity);
      }
      this.bytes += Number(entry.blocks) * BLOCK_BYTES;
      return entry.isDirectory() ? path : undefined;
    } catch (error) {
      ignoreGone(error);
      return undefined;
    }
  }

  async #addFolder(path: string): Promise<void> {
    if (this.bytes > this.enoughBytes) return;
    try {
      const folder = await openFolder(path);
      try {
        await this.add(folder);
      } finally {
        await folder.close();
      }
    } catch (error) {
      ignoreGone(error);
    }
  }
}

function ignoreGone(error: unknown): void {
  if (!(error instanceof NotAFolderError) && !GONE.includes(readErrorCode(error) ?? '')) throw error;
}
