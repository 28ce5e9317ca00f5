import { mkdir, rm } from 'node:fs/promises';
import { accessSync, chmodSync, constants, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The longest path of a temporary folder below which sockets can be: a socket's own path has 107 bytes at most (unix(7)). */
const MAX_FOLDER_BYTES = 40;

/** Short folders for the sockets of threads, apart from the threads' own, which may have long paths. */
export class SocketFolders {
  readonly #root: string;
  readonly #open = new Map<string, string>();

  /**
   * @param fallback a folder of the server, for a machine without a temporary folder
   * @throws if there is no folder in which sockets can be
   */
  constructor(fallback: string) {
    this.#root = makeShortFolder([tmpdir(), '/tmp', fallback]);
    // The users of threads pass through it.
    chmodSync(this.#root, 0o711);
  }

  /** Makes the folder of a thread, if it is not there, and returns its path. */
  async open(threadId: string): Promise<string> {
    const folder = join(this.#root, threadId);
    await mkdir(folder, { recursive: true, mode: 0o711 });
    this.#open.set(threadId, folder);
    return folder;
  }

  /** The folder of a thread; `undefined` if it has none. */
  find(threadId: string): string | undefined {
    return this.#open.get(threadId);
  }

  /** Removes the folder of a thread. */
  async close(threadId: string): Promise<void> {
    const folder = this.#open.get(threadId);
    this.#open.delete(threadId);
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }

  /** Removes all folders. */
  async remove(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

function makeShortFolder(parents: readonly string[]): string {
  const short = parents.filter((parent) => Buffer.byteLength(parent) <= MAX_FOLDER_BYTES && isWritable(parent));
  const [parent] = short;
  if (parent === undefined)
    throw new Error(`no folder for sockets: ${parents.join(' and ')} are too long or not writable`);
  return mkdtempSync(join(parent, 'chiron-'));
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
