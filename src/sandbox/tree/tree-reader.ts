import { constants, type Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import { type FolderHandle, NotAFolderError, openFolderBelow } from '../files/folder-handle.js';
import { NotARegularFileError, openRegularFile, readPart } from '../files/regular-file.js';

/** An open file of a thread. */
export interface OpenTreeFile {
  readonly stats: Stats;
  /** A part of it, which is shorter if the file has become so. */
  read(offset: number, length: number): Promise<Buffer>;
}

/**
 * Reads many files of a thread, one after the other, as safely as `ThreadFiles` does. The folder of the last file stays open, because the next one is
 * mostly in it. Close it at last.
 */
export class TreeReader {
  #open: { readonly path: string; readonly folder: FolderHandle } | undefined;

  /** @param root absolute path of the thread's folder */
  constructor(private readonly root: string) {}

  /** Opens a file for the length of a task. `undefined` if it is no regular file any more, or gone. */
  async withFile<Result>(path: string, task: (file: OpenTreeFile) => Promise<Result>): Promise<Result | undefined> {
    const cut = path.lastIndexOf('/');
    let isReading = false;
    try {
      const folder = await this.#folder(path.slice(0, cut));
      const name = path.slice(cut + 1);
      return await openRegularFile(folder, name, constants.O_RDONLY, (file, stats) => {
        isReading = true;
        return task({ stats, read: (offset, length) => readFrom(file, offset, length) });
      });
    } catch (error) {
      // What the task itself rejects with is its caller's.
      const isGone = error instanceof NotAFolderError || error instanceof NotARegularFileError;
      if (!isReading && (isGone || readErrorCode(error) === 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Closes what is open. */
  async close(): Promise<void> {
    const open = this.#open;
    this.#open = undefined;
    await open?.folder.close();
  }

  async #folder(path: string): Promise<FolderHandle> {
    if (this.#open?.path === path) return this.#open.folder;
    await this.close();
    const folder = await openFolderBelow(this.root, path.split('/'), false);
    this.#open = { path, folder };
    return folder;
  }
}

function readFrom(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  return readPart(file, offset, length);
}
