import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readErrorCode } from '../errors.js';

/**
 * The ids of threads whose folders were made for spares, as files of the server's own data folder: a server that was killed finds what it has left, also
 * where other servers have folders beside its own.
 */
export class SpareNotes {
  readonly #folder: string;

  constructor(dataDirectory: string) {
    this.#folder = join(dataDirectory, 'spares');
  }

  /** Notes a spare, before its folders are made. */
  async add(threadId: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeFile(join(this.#folder, threadId), '');
  }

  /** Forgets a spare that is a thread now, or whose folders are gone. */
  async remove(threadId: string): Promise<void> {
    await rm(join(this.#folder, threadId), { force: true });
  }

  /** The ids of all that are noted. */
  async list(): Promise<readonly string[]> {
    try {
      return await readdir(this.#folder);
    } catch (error) {
      if (readErrorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }
}
