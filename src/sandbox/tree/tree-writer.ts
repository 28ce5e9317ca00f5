import { constants } from 'node:fs';
import { chmod, type FileHandle, lutimes, mkdir, open, symlink, utimes } from 'node:fs/promises';
import { type FolderHandle, openFolderBelow } from '../files/folder-handle.js';
import type { TreeEntry } from './walk-tree.js';

/** What an entry gets once it is complete. */
export type EntryStats = Pick<TreeEntry, 'path' | 'kind' | 'mode' | 'modifiedMs'>;

/**
 * Writes files, folders and links into a new thread folder that no agent has yet. Nothing that is there is changed, and no link is followed, also
 * not one that was written by this writer: a path that leads through one is an error. Close it at last.
 *
 * Paths are relative to the thread's folder, with `/`. A folder has to be made before what is in it.
 */
export class TreeWriter {
  #folder: { readonly path: string; readonly handle: FolderHandle } | undefined;
  #file: { readonly path: string; readonly handle: FileHandle } | undefined;

  /** @param root absolute path of the new folder */
  constructor(private readonly root: string) {}

  /** Makes a folder for its owner only; see {@link finish}. */
  async makeFolder(path: string): Promise<void> {
    await mkdir(await this.#place(path), { mode: 0o700 });
  }

  async makeLink(path: string, target: string): Promise<void> {
    await symlink(target, await this.#place(path));
  }

  /** Makes a file of zeros for its owner only, as long as it will be. The zeros take no room on the disk. */
  async makeFile(path: string, size: number): Promise<void> {
    const file = await this.#open(path, constants.O_CREAT | constants.O_EXCL);
    await file.truncate(size);
  }

  /** Writes a part of a file that was made. */
  async writePart(path: string, bytes: Uint8Array, offset: number): Promise<void> {
    const file = this.#file?.path === path ? this.#file.handle : await this.#open(path, 0);
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
      done += bytesWritten;
    }
  }

  /** Gives an entry its permissions and its time. For a folder, call it once all that is in it is finished. */
  async finish({ path, kind, mode, modifiedMs }: EntryStats): Promise<void> {
    const own = await this.#place(path);
    const seconds = modifiedMs / 1000;
    if (kind === 'link') {
      await lutimes(own, seconds, seconds);
      return;
    }
    await this.#closeFile();
    // A link has been ruled out: nobody else can write here, and this writer replaces nothing.
    await utimes(own, seconds, seconds);
    await chmod(own, mode & 0o777);
  }

  /** Closes what is open. */
  async close(): Promise<void> {
    await this.#closeFile();
    await this.#closeFolder();
  }

  async #open(path: string, flags: number): Promise<FileHandle> {
    await this.#closeFile();
    const own = await this.#place(path);
    const handle = await open(own, constants.O_WRONLY | constants.O_NOFOLLOW | flags, 0o600);
    this.#file = { path, handle };
    return handle;
  }

  /** The path by which the system reaches an entry, relative to its open folder. */
  async #place(path: string): Promise<string> {
    const cut = path.lastIndexOf('/');
    const above = path.slice(0, Math.max(0, cut));
    if (this.#folder?.path !== above) {
      await this.#closeFolder();
      const names = above === '' ? [] : above.split('/');
      this.#folder = { path: above, handle: await openFolderBelow(this.root, names, false) };
    }
    return `${this.#folder.handle.path}/${path.slice(cut + 1)}`;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.handle.close();
  }

  async #closeFolder(): Promise<void> {
    const folder = this.#folder;
    this.#folder = undefined;
    await folder?.handle.close();
  }
}
