// Over 250 lines because every access to the files of a thread goes through it.
import { constants, lstatSync, type Stats } from 'node:fs';
import { copyFile, lstat, open, opendir, readlink, rename, symlink, type FileHandle } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import {
  type FolderHandle,
  NotAFolderError,
  openEntry,
  openFolderBelow,
  openToUser,
  withPermission,
} from './folder-handle.js';
import { makeTree, type NewEntries } from './make-tree.js';
import { NotARegularFileError, openRegularFile, readPart, replaceEntry } from './regular-file.js';
import { removeEntry } from './remove-tree.js';
import { TreeReader } from '../tree/tree-reader.js';
import { listTree, type TreeListing } from '../tree/list-tree.js';
import { readEntry, type TreeEntry, walkTree, type WalkReport } from '../tree/walk-tree.js';

/** How much of a file is read at once. */
const PART_BYTES = 1024 * 1024;

const NOT_NAMES = 'a path below a thread’s folder is made of names';

/** Why a file of a thread was refused. */
export type ThreadFileProblem =
  'is not a regular file' | 'is not in a folder' | 'is too long' | 'has a second name' | 'has changed';

/** An entry below a thread's folder that the server does not touch, as an agent may have put it there to mislead it. */
export class ThreadFileError extends Error {
  /** @param path relative to the thread's folder */
  constructor(
    readonly path: string,
    readonly problem: ThreadFileProblem,
  ) {
    super(`${path} ${problem}`);
    this.name = 'ThreadFileError';
  }
}

/** A part of a file. */
export interface FilePart {
  readonly bytes: Buffer;
  /** Where in the file the part begins. */
  readonly offset: number;
  /** Length of the whole file. */
  readonly size: number;
}

/** How a file is read. */
export interface ReadOptions {
  /** Which end of a longer file is read; the beginning by default. */
  readonly from?: 'start' | 'end';
  /** Whether the file may have other names (hard links), as backups by `cp -al` give it. Such a file may be one from elsewhere. */
  readonly otherNames?: boolean;
}

/** Kind and identity of an entry; the identity reveals that another entry took its name. */
export interface EntryInfo {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  readonly device: number;
  readonly inode: number;
}

/**
 * Everything that the server reads and writes below one thread's folder. The agent can put anything there, at any time: links
 * to the server's secrets, FIFOs on which a reader waits for ever, devices without an end. So no link is followed at any
 * component, only regular files are opened, nothing waits, and every read has a limit.
 *
 * Paths are relative to the thread's folder, with `/`: `workspace/AGENTS.md`. What is not there is `undefined`; what is there
 * and is refused is a {@link ThreadFileError}; what the system refuses (a full disk) is its own error.
 */
export class ThreadFiles {
  /**
   * @param root absolute path of the thread's folder; links in it count, but not in its last component
   * @param isNear whether its disk answers at once: then asking takes less time than handing the question to another thread
   */
  constructor(
    private readonly root: string,
    private readonly isNear = false,
  ) {}

  /** A whole text file. @throws ThreadFileError when it is longer than `maxBytes`. */
  async readText(path: string, maxBytes: number): Promise<string | undefined> {
    const part = await this.read(path, maxBytes);
    if (part !== undefined && part.size > maxBytes) throw new ThreadFileError(path, 'is too long');
    return part?.bytes.toString('utf8');
  }

  /** At most `maxBytes` of a file, as long as it was when it was opened. */
  read(path: string, maxBytes: number, options: ReadOptions = {}): Promise<FilePart | undefined> {
    return this.#existing(path, (folder, name) =>
      openRegularFile(folder, name, constants.O_RDONLY, async (file, { size, nlink }) => {
        if (nlink > 1 && options.otherNames !== true) throw new ThreadFileError(path, 'has a second name');
        const length = Math.min(size, maxBytes);
        const offset = options.from === 'end' ? size - length : 0;
        return { bytes: await readPart(file, offset, length), offset, size };
      }),
    );
  }

  /** What kind of entry has this path; links are not followed. */
  async stat(path: string): Promise<EntryInfo | undefined> {
    // Nothing but the thread's own folder is above it.
    if (isName(path)) return this.#statHere(path);
    return this.#existing(path, async (folder, name) => {
      const entry = await withPermission(folder, () => openEntry(`${folder.path}/${name}`));
      try {
        return toEntryInfo(await entry.stat());
      } finally {
        await entry.close();
      }
    });
  }

  /** Where a link leads, as it says itself. */
  linkTarget(path: string): Promise<string | undefined> {
    return this.#existing(path, (folder, name) => withPermission(folder, () => readlink(`${folder.path}/${name}`)));
  }

  /** The names in a folder, at most `max` of them, in no order; none when it is not there. */
  async list(path: string, max: number): Promise<readonly string[]> {
    const names = await this.#inFolder(path.split('/'), path, false, async (folder) => {
      const found: string[] = [];
      const entries = await withPermission(folder, () => opendir(folder.path));
      // Leaving the loop closes it.
      for await (const { name } of entries) {
        if (found.length >= max) break;
        found.push(name);
      }
      return found;
    });
    return names ?? [];
  }

  /** Looks at a folder and all that is in it; see {@link walkTree}. */
  walk(path: string, visit: (entry: TreeEntry) => boolean | void): Promise<WalkReport> {
    return walkTree(this.root, path, visit);
  }

  /** Lists a folder by pages; see {@link listTree}. Paths are relative to it. */
  listPage(path: string, listing: TreeListing): Promise<readonly TreeEntry[]> {
    return listTree(this.root, path.split('/'), listing);
  }

  /** What there is at a path, unless it is a FIFO, a socket or a device; `undefined` also below a link or a file. */
  async lookAt(path: string): Promise<TreeEntry | undefined> {
    try {
      const found = await this.#parentOf(path, false, (folder, name) => readEntry(folder, name, path));
      return found;
    } catch (error) {
      if (error instanceof ThreadFileError) return undefined;
      throw error;
    }
  }

  /**
   * Reads a file part by part, as far as it was when it was looked at. It is open only while a part is read. Rejects when the file was replaced or became
   * shorter meanwhile.
   */
  async *bytes(path: string, size: number): AsyncGenerator<Buffer> {
    const reader = this.reader();
    let known: string | undefined;
    try {
      for (let offset = 0; offset < size;) {
        const length = Math.min(PART_BYTES, size - offset);
        const part = await reader.withFile(path, async (file) => {
          const { dev, ino } = file.stats;
          known ??= `${dev}:${ino}`;
          return known === `${dev}:${ino}` ? file.read(offset, length) : undefined;
        });
        if (part === undefined || part.length < length) throw new ThreadFileError(path, 'has changed');
        yield part;
        offset += length;
      }
    } finally {
      await reader.close();
    }
  }

  /** For reading many files. The caller closes it. */
  reader(): TreeReader {
    return new TreeReader(this.root);
  }

  /**
   * Writes a whole file, for the thread's user only; makes its folders. Whoever reads it has the old or the new one, and whatever had
   * its name before, a link or a folder too, is replaced and not written to. Of bytes that reject, nothing is left.
   */
  async write(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    await this.#parentOf(path, true, (folder, name) =>
      replaceEntry(folder, name, async (draft) => {
        const file = await open(
          draft,
          constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
          0o600,
        );
        try {
          await file.writeFile(data);
        } finally {
          await file.close();
        }
      }),
    );
  }

  /** Makes a link, for the agent's programs to follow; the server itself never does. Replaces what has its name, as {@link write}. */
  async link(path: string, target: string): Promise<void> {
    await this.#parentOf(path, true, (folder, name) => replaceEntry(folder, name, (draft) => symlink(target, draft)));
  }

  /** Makes a folder that is not there with all that is in it; see {@link makeTree}. @throws a system error EEXIST if something has its name */
  async makeTree(path: string, entries: NewEntries): Promise<void> {
    if (!Object.keys(entries).every((entry) => entry.split('/').every(isName))) throw new TypeError(NOT_NAMES);
    await this.#parentOf(path, true, (folder, name) => makeTree(folder, name, entries));
  }

  /** Gives an entry of a folder another name in it, in place of whatever has that; one that is not there is no error. */
  async rename(path: string, newName: string): Promise<void> {
    await this.#existing(path, async (folder, name) => {
      const target = `${folder.path}/${newName}`;
      await rename(`${folder.path}/${name}`, target).catch(async (error: unknown) => {
        if (!['EISDIR', 'ENOTDIR', 'ENOTEMPTY', 'EEXIST'].includes(readErrorCode(error) ?? '')) throw error;
        await removeEntry(folder, newName);
        await rename(`${folder.path}/${name}`, target);
      });
    });
  }

  /** Adds to the end of a file that is there. A file with other names gets its own copy first. */
  append(path: string, text: string): Promise<void> {
    return this.#change(path, constants.O_WRONLY | constants.O_APPEND, (file) => file.writeFile(text));
  }

  /** Shortens a file that is there. A file with other names gets its own copy first. */
  truncate(path: string, size: number): Promise<void> {
    return this.#change(path, constants.O_WRONLY, (file) => file.truncate(size));
  }

  /**
   * Makes a folder, for the thread's user only, and those above it, and gives that user all rights to it; below `server/`, the right to
   * read. Whatever else has the name of one of them, such as a link, is set aside under another name: it is the agent's, and the
   * thread cannot do without the folder.
   */
  async makeFolder(path: string): Promise<void> {
    await this.#inFolder(path.split('/'), path, true, openToUser);
  }

  /** Removes an entry with all that is in it; one that is not there is no error. */
  async remove(path: string): Promise<void> {
    await this.#existing(path, (folder, name) => removeEntry(folder, name));
  }

  async #statHere(name: string): Promise<EntryInfo | undefined> {
    try {
      const path = `${this.root}/${name}`;
      return toEntryInfo(this.isNear ? lstatSync(path) : await lstat(path));
    } catch (error) {
      if (readErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async #change(path: string, flags: number, task: (file: FileHandle) => Promise<void>): Promise<void> {
    const done = await this.#existing(path, async (folder, name) => {
      await openRegularFile(folder, name, constants.O_RDONLY, async (_, { nlink }, own) => {
        if (nlink > 1) await replaceEntry(folder, name, (draft) => copyFile(own, draft, constants.COPYFILE_EXCL));
      });
      await openRegularFile(folder, name, flags, (file, { nlink }) => {
        if (nlink > 1) throw new ThreadFileError(path, 'has a second name');
        return task(file);
      });
      return true;
    });
    if (done === undefined) throw new ThreadFileError(path, 'is not a regular file');
  }

  /** Runs a task on an entry's folder and name; `undefined` when the entry is not there. */
  async #existing<Result>(
    path: string,
    task: (folder: FolderHandle, name: string) => Promise<Result>,
  ): Promise<Result | undefined> {
    try {
      return await this.#parentOf(path, false, task);
    } catch (error) {
      if (error instanceof NotARegularFileError) throw new ThreadFileError(path, 'is not a regular file');
      if (readErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  #parentOf<Result>(
    path: string,
    make: boolean,
    task: (folder: FolderHandle, name: string) => Promise<Result>,
  ): Promise<Result | undefined> {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    if (!isName(name)) throw new TypeError(NOT_NAMES);
    return this.#inFolder(parts, path, make, (folder) => task(folder, name));
  }

  /** Walks down to a folder, one component at a time. `undefined` when it is not there and is not to be made. */
  async #inFolder<Result>(
    parts: readonly string[],
    path: string,
    make: boolean,
    task: (folder: FolderHandle) => Promise<Result>,
  ): Promise<Result | undefined> {
    if (!parts.every(isName)) throw new TypeError(NOT_NAMES);
    const folder = await openFolderBelow(this.root, parts, make).catch((error: unknown) => {
      if (error instanceof NotAFolderError) throw new ThreadFileError(path, 'is not in a folder');
      if (readErrorCode(error) === 'ENOENT' && !make) return undefined;
      throw error;
    });
    if (folder === undefined) return undefined;
    try {
      return await task(folder);
    } finally {
      await folder.close();
    }
  }
}

/** Names of one level; no way up, and nothing that the system would cut. */
function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && !name.includes('\0');
}

function toKind(stats: Stats): EntryInfo['kind'] {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'other';
}

function toEntryInfo(stats: Stats): EntryInfo {
  return { kind: toKind(stats), size: stats.size, device: stats.dev, inode: stats.ino };
}
