import { createHash } from 'node:crypto';
import { chown, lchown, lstat, opendir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readErrorCode } from '../errors.js';
import type { UserClaims } from '../host/user-claims.js';
import type { SandboxOptions, UserIdRange } from '../sandbox.js';
import {
  type FolderHandle,
  lendEntry,
  NotAFolderError,
  openFolder,
  SERVER_FOLDER,
  withPermission,
} from './folder-handle.js';
import { UserIdClaims } from './user-id-claims.js';

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
  #claims: UserClaims | undefined;

  /**
   * @param folder that of all threads, which is there; also has what is left of threads that were removed
   * @param begin the first id that is given; by default another one for each folder, so that the threads of two servers on one machine seldom have
   *   the same ids
   * @param claims for a folder in which other servers make threads, too
   */
  constructor(
    private readonly folder: string,
    private readonly range: UserIdRange = DEFAULT_USER_IDS,
    private readonly begin = chooseBegin(folder, range),
    private readonly claims?: UserIdClaims,
  ) {}

  /** The users of the threads of a server. */
  static of(options: SandboxOptions): ThreadUsers {
    const { sharedDirectory, dataDirectory, userIds } = options;
    const threads = join(resolve(sharedDirectory ?? dataDirectory), 'threads');
    if (sharedDirectory === undefined) return new ThreadUsers(threads, userIds);
    return new ThreadUsers(threads, userIds, undefined, new UserIdClaims(resolve(sharedDirectory, 'user-ids')));
  }

  /**
   * Gives a folder, with all that is in it, to a user id that none of its neighbours has; what the server has written for its agent is that
   * user's to read only. Ids are given in order, and begin again at the end of the range.
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
      await lendTree(join(folder, SERVER_FOLDER), id).catch(ignoreReplaced);
    } finally {
      this.#pending.delete(id);
    }
  }

  /** Has the ids kept apart from those of other servers on the machine. */
  keepApart(claims: UserClaims): void {
    this.#claims = claims;
  }

  /** Whether a thread may go on with its user id: false if that is of another range, or another server uses it now. */
  mayKeep(userId: number): boolean {
    return this.has(userId) && (this.#claims?.claim(userId) ?? true);
  }

  /** Gives an id back whose folder is gone. */
  release(userId: number): void {
    this.#claims?.release(userId);
  }

  /** Gives all ids back to other servers. Call it after the last process has ended. */
  close(): void {
    this.#claims?.close();
  }

  /** Whether an owner is the user of a thread. */
  has(userId: number): boolean {
    return userId >= this.range.first && userId <= this.range.last;
  }

  async #take(): Promise<number> {
    const { first, last } = this.range;
    if (this.#next === undefined || this.#next > last) {
      const owners = new Set(await listOwners(this.folder));
      // Ids of other servers' threads that are just being made belong to no folder yet.
      this.#used = new Set([...owners, ...((await this.claims?.list(owners)) ?? [])]);
      const highest = Math.max(this.begin - 1, ...[...this.#used].filter((id) => this.has(id)));
      // At the first look, the ids after the highest one are free. At the end of the range, those that were given back.
      this.#next = this.#next === undefined && highest < last ? highest + 1 : first;
    }
    let id = this.#next;
    const isTaken = async (each: number): Promise<boolean> =>
      this.#used.has(each) ||
      this.#pending.has(each) ||
      !this.mayKeep(each) ||
      (await this.claims?.take(each)) === false;
    while (id <= last && (await isTaken(id))) id += 1;
    // Past the end, the next call looks again which ids are free.
    this.#next = id + 1;
    if (id > last)
      throw new Error(
        `every user id from ${first} to ${last} belongs to a thread, or another server on this machine uses it`,
      );
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

/** The same for what its user is to read only. From the top down, so that the user loses each folder before what is in it is looked at. */
async function lendTree(path: string, userId: number): Promise<void> {
  const folder = await openFolder(path);
  try {
    await lendEntry(`${folder.path}/.`, userId);
    for await (const entry of await opendir(folder.path)) {
      const own = `${folder.path}/${entry.name}`;
      if (entry.isDirectory()) await lendTree(own, userId);
      else await lendEntry(own, userId);
    }
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
