import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MadeAhead } from './made-ahead.js';
import { DRAFT, type StuckLeftover, ThreadRemoval } from './thread-removal.js';

/** Has the folders of the next new thread ready: a disk that is just writing may take milliseconds for each of them. */
export class FoldersAhead {
  readonly #removal: ThreadRemoval;
  /** The names of those that are made or ready. */
  readonly #names = new Set<string>();
  /** By the folders of the thread's home. */
  readonly #ready = new Map<string, MadeAhead<string>>();

  /**
   * @param folder where they are, on the disk of the threads. Made when it is needed.
   * @param fill makes the folders of a thread in a new one.
   */
  constructor(
    private readonly folder: string,
    private readonly fill: (path: string, homeFolders: readonly string[]) => Promise<void>,
  ) {
    this.#removal = new ThreadRemoval(folder, 0);
  }

  /** The name of folders with these in their home; `undefined` when none are ready. Others will be soon. {@link done} or {@link drop} them. */
  take(homeFolders: readonly string[]): Promise<string | undefined> {
    const key = homeFolders.join('/');
    let ready = this.#ready.get(key);
    if (ready === undefined) {
      ready = new MadeAhead(() => this.#make(homeFolders));
      this.#ready.set(key, ready);
    }
    return ready.take();
  }

  /** Where folders of this name are. */
  path(name: string): string {
    return join(this.folder, name);
  }

  /** Call when they are in another place now. */
  done(name: string): void {
    this.#names.delete(name);
  }

  /** Removes them. */
  async drop(name: string): Promise<void> {
    try {
      await this.#removal.removeDraft(name);
    } finally {
      this.#names.delete(name);
    }
  }

  /** Makes no more, and removes those that nobody has taken. Rejects if they cannot be removed. */
  async close(): Promise<void> {
    for (const ready of this.#ready.values()) {
      const name = await ready.close();
      if (name !== undefined && this.#names.has(name)) await this.drop(name);
    }
  }

  /** Removes what servers before have left. Gives what resisted. */
  sweep(): Promise<readonly StuckLeftover[]> {
    return this.#removal.sweep((name) => this.#names.has(name));
  }

  async #make(homeFolders: readonly string[]): Promise<string> {
    const name = `${DRAFT}${randomUUID()}`;
    this.#names.add(name);
    try {
      await mkdir(this.path(name), { recursive: true, mode: 0o700 });
      await this.fill(this.path(name), homeFolders);
      return name;
    } catch (error) {
      await this.drop(name);
      throw error;
    }
  }
}
