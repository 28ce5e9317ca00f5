import { lstat, opendir, rename, rmdir, unlink } from 'node:fs/promises';
import { readErrorCode } from '../errors.js';
import { type FolderHandle, NotAFolderError, openFolder, openUp, withPermission } from './folder-handle.js';
import { removeEntry } from './remove-tree.js';

/** What is left of a thread while it is removed; its id comes after it. A thread's id has no dot, so this is no thread. */
const REMOVED = '.removed-';

/** A thread that is being made; a random name comes after it. */
export const DRAFT = '.new-';

/** A leftover that could not be removed. */
export interface StuckLeftover {
  readonly name: string;
  readonly error: unknown;
}

/** Removes threads' folders so that half a thread never passes for a whole one, and what was left of that. */
export class ThreadRemoval {
  /** Two removals of one folder at a time would take each other's remains for their own failure. */
  readonly #underway = new Map<string, Promise<void>>();

  /**
   * @param folder that of all threads; it need not exist
   * @param minAgeMs a leftover that was changed later is left to the server that made it
   */
  constructor(
    private readonly folder: string,
    private readonly minAgeMs = 0,
  ) {}

  /**
   * Removes a thread's folder and what earlier removals left of it; none is no error. Rejects as long as any of it is on the disk;
   * it can be called again then.
   */
  async remove(threadId: string): Promise<void> {
    await this.setAside(threadId);
    await this.#clear(`${REMOVED}${threadId}`);
  }

  /** Takes what has a thread's name out of its place. The next sweep removes it. */
  async setAside(threadId: string): Promise<void> {
    const aside = `${REMOVED}${threadId}`;
    // What an earlier removal left would be in the way.
    await this.#clear(aside);
    await this.#inFolder(async (threads) => {
      const thread = `${threads.path}/${threadId}`;
      try {
        // Of a link, or another thing that is no folder, only the name is moved.
        await openUp(thread).catch(ignoring(NotAFolderError));
        await withPermission(threads, () => rename(thread, `${threads.path}/${aside}`));
      } catch (error) {
        if (readErrorCode(error) !== 'ENOENT') throw error;
      }
    });
  }

  /** Removes a thread that was being made. */
  async removeDraft(name: string): Promise<void> {
    await this.#clear(name);
  }

  /** Removes everything that removals and preparations have left, but for what `isInUse`. Gives what resisted. */
  async sweep(isInUse: (name: string) => boolean): Promise<readonly StuckLeftover[]> {
    const stuck: StuckLeftover[] = [];
    await this.#inFolder(async (threads) => {
      for await (const { name } of await opendir(threads.path)) {
        if (!(name.startsWith(REMOVED) || name.startsWith(DRAFT)) || isInUse(name)) continue;
        if (this.minAgeMs > 0 && (await this.#isYoung(`${threads.path}/${name}`))) continue;
        await this.#clear(name).catch((error: unknown) => stuck.push({ name, error }));
      }
    });
    return stuck;
  }

  async #isYoung(path: string): Promise<boolean> {
    try {
      return Date.now() - (await lstat(path)).ctimeMs < this.minAgeMs;
    } catch (error) {
      // Another server has removed it.
      if (readErrorCode(error) === 'ENOENT') return true;
      throw error;
    }
  }

  async #clear(name: string): Promise<void> {
    const underway = this.#underway.get(name) ?? this.#inFolder((threads) => clear(threads, name));
    this.#underway.set(name, underway);
    try {
      await underway;
    } finally {
      this.#underway.delete(name);
    }
  }

  async #inFolder(task: (threads: FolderHandle) => Promise<void>): Promise<void> {
    const threads = await openFolder(this.folder).catch((error: unknown) => {
      if (readErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (threads === undefined) return;
    try {
      await task(threads);
    } finally {
      await threads.close();
    }
  }
}

/** Removes a folder beside the threads. What cannot be removed stays in it, so that it is found again. */
async function clear(threads: FolderHandle, name: string): Promise<void> {
  const path = `${threads.path}/${name}`;
  try {
    const folder = await openFolder(path);
    try {
      await openUp(path);
      for await (const entry of await opendir(folder.path)) await removeEntry(folder, entry.name);
    } finally {
      await folder.close();
    }
    await withPermission(threads, () => rmdir(path));
  } catch (error) {
    if (error instanceof NotAFolderError) await withPermission(threads, () => unlink(path));
    else if (readErrorCode(error) !== 'ENOENT') throw error;
  }
}

function ignoring(kind: typeof NotAFolderError): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof kind)) throw error;
  };
}
