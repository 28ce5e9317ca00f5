import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BROKER_SOCKET } from './inside.js';

/** The longest path of a socket, in bytes (unix(7): 108 with the NUL at its end). */
const MAX_SOCKET_PATH = 107;
const THREAD_ID_BYTES = 36;

/** Folders for the sockets of threads, apart from the threads' own, in which agents could put something else in the place of a socket. */
export class SocketFolders {
  readonly #root: string;
  readonly #open = new Map<string, string>();

  /**
   * @param folder where they are to be; another one with a short path is made where this path is too long for sockets. What an earlier
   *   server has left there is removed.
   */
  constructor(folder: string) {
    const longest = join(folder, 'x'.repeat(THREAD_ID_BYTES), BROKER_SOCKET);
    const isShort = Buffer.byteLength(longest) <= MAX_SOCKET_PATH;
    rmSync(folder, { recursive: true, force: true });
    if (isShort) mkdirSync(folder, { recursive: true });
    this.#root = isShort ? folder : mkdtempSync(join(tmpdir(), 'chiron-'));
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
