import { createHash } from 'node:crypto';
import { chown, lchown, lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { readErrorCode } from '../errors.js';
import type { UserIdRange } from '../sandbox.js';
import { type FolderHandle, NotAFolderError, openFolder, withPermission } from './folder-handle.js';

/** For a deployment that configures none. Ordinary users begin at 1000, and a container's ids often end at 65535. */
export const DEFAULT_USER_IDS: UserIdRange = { first: 20_000, last: 59_999 };

/**
 * Gives each thread a user id of its own. The id is kept as the owner of the thread's folder, so it goes with the files, and nobody else gets it
 * while any of them is there. Only for a server that runs as root.
 */
export class ThreadUsers {
  #next: number | undefined;
  #used: ReadonlySet<number> = new Set();
  /** Ids of folders that are not theirs yet. */
  readonly #pending = new Set<number>();
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * @param folder that of all threads, which is there; also has what is left of threads that were removed
   * @param begin the first id that is given; by default another one for each folder, so that the threads of two servers on one machine seldom have
   *   the same ids
   */
  constructor(
    private readonly folder: string,
    private readonly range: UserIdRange = DEFAULT_USER_IDS,
    private readonly begin = chooseBegin(folder, range),
  ) {}

  /**
   * Gives a folder, with all that is in it, to a user id that none of its neighbours has. Ids are given in order, and begin again at the end of
   * the range.
   *
   * @param folder one of the folders among all threads' folders
   * @throws if no user id is free
   */
  async assign(folder: string): Promise<void> {
    const taken = this.#queue.then(() => this.#take());
    this.#queue = taken.catch(() => undefined);
    const id = await taken;
    try {
      await giveTree(folder, id);
    } finally {
      this.#pending.delete(id);
    }
  }

  /** Whether an owner is the user of a thread. */
  has(userId: number): boolean {
    return userId >= this.range.first && userId <= this.range.last;
  }

  async #take(): Promise<number> {
    const { first, last } = this.range;
    if (this.#next === undefined || this.#next > last) {
      this.#used = new Set(await listOwners(this.folder));
      const highest = Math.max(this.begin - 1, ...[...this.#used].filter((id) => this.has(id)));
      // At the first look, the ids after the highest one are free. At the end of the range, those that were given back.
      this.#next = this.#next === undefined && highest < last ? highest + 1 : first;
    }
    let id = this.#next;
    while (this.#used.has(id) || this.#pending.has(id)) id += 1;
    // Past the end, the next call looks again which ids are free.
    this.#next = id + 1;
    if (id > last) throw new Error(`every user id from ${first} to ${last} belongs to a thread`);
    this.#pending.add(id);
    return id;
  }
}

/** An id in the first half of a range, by a folder's path. */
function chooseBegin(folder: string, { first, last }: UserIdRange): number {
  const digest = createHash('sha256').update(folder).digest().readUInt32BE();
  return first + (digest % Math.max(1, Math.floor((last - first) / 2)));
}

/** Gives everything in a folder, and at last the folder itself, to a user. Links are not followed. */
async function giveTree(path: string, userId: number): Promise<void> {
  const folder = await openFolder(path);
  try {
    await giveEntries(folder, userId);
    await chown(folder.path, userId, userId);
  } finally {
    await folder.close();
  }
}

async function giveEntries(folder: FolderHandle, userId: number): Promise<void> {
  for await (const entry of await withPermission(folder, () => opendir(folder.path))) {
    const path = `${folder.path}/${entry.name}`;
    if (entry.isDirectory()) await giveTree(path, userId).catch(ignoreReplaced);
    else await lchown(path, userId, userId).catch(ignoreReplaced);
  }
}

async function listOwners(folder: string): Promise<readonly number[]> {
  const owners: number[] = [];
  for await (const { name } of await opendir(folder)) {
    const found = await lstat(join(folder, name)).catch((error: unknown) => {
      // Removed since its name was read.
      if (readErrorCode(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (found !== undefined) owners.push(found.uid);
  }
  return owners;
}

function ignoreReplaced(error: unknown): void {
  if (!(error instanceof NotAFolderError) && readErrorCode(error) !== 'ENOENT') throw error;
}
