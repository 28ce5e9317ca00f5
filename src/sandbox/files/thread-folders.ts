import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readErrorCode } from '../errors.js';
import type { SandboxFolders, SandboxOptions } from '../sandbox.js';
import { copyTemplate, copyLinkedFolders } from './template.js';
import { ThreadFiles } from './thread-files.js';
import { DRAFT, type StuckLeftover, ThreadRemoval } from './thread-removal.js';

/** All folders of one thread. */
export interface ThreadFolders extends SandboxFolders {
  /** The folder that holds the others. */
  readonly thread: string;
  /** `TMPDIR` of the thread. */
  readonly temporary: string;
}

/** The folders that every thread has, whatever its agent did to them. */
const FOLDERS = ['workspace', 'tmp', 'server', 'home'];

/** The folders of a thread. Throws for an id that could lead out of the folder of all threads. */
export function toThreadFolders(dataDirectory: string, threadId: string): ThreadFolders {
  if (!/^[A-Za-z0-9_-]+$/.test(threadId)) throw new Error('a thread id holds only letters, digits, "_" and "-"');
  const thread = join(resolve(dataDirectory), 'threads', threadId);
  return {
    thread,
    workspace: join(thread, 'workspace'),
    home: join(thread, 'home'),
    temporary: join(thread, 'tmp'),
    server: join(thread, 'server'),
  };
}

/** Makes and removes the folders of all threads of a data folder. */
export class ThreadFolderStore {
  readonly #threads: string;
  readonly #removal: ThreadRemoval;
  readonly #drafts = new Set<string>();

  constructor(private readonly options: SandboxOptions) {
    this.#threads = join(resolve(options.dataDirectory), 'threads');
    this.#removal = new ThreadRemoval(this.#threads);
  }

  /**
   * Makes a thread's folders, for their owner only; from the templates when the thread is new. Those of a known thread are put right:
   * what is missing is made, what its agent closed is opened, and what is no folder any more is set aside.
   *
   * @param homeFolders names of folders that the home has to have, too.
   */
  async prepare(threadId: string, homeFolders: readonly string[] = []): Promise<ThreadFolders> {
    const folders = toThreadFolders(this.options.dataDirectory, threadId);
    if (await this.#isThere(threadId)) await makeFolders(folders.thread, homeFolders);
    else await this.#make(folders.thread, homeFolders);
    return folders;
  }

  /** Removes a thread's folders; one that has none is no error. Rejects as long as any of them is on the disk. */
  async remove(threadId: string): Promise<void> {
    toThreadFolders(this.options.dataDirectory, threadId);
    await this.#removal.remove(threadId);
  }

  /** Removes what removals and preparations that broke off have left. Gives what resisted. */
  sweep(): Promise<readonly StuckLeftover[]> {
    return this.#removal.sweep((name) => this.#drafts.has(name));
  }

  async #isThere(threadId: string): Promise<boolean> {
    try {
      if ((await lstat(join(this.#threads, threadId))).isDirectory()) return true;
    } catch (error) {
      if (readErrorCode(error) === 'ENOENT') return false;
      throw error;
    }
    // A link, or a file: an agent's work, which a thread cannot be in.
    await this.#removal.setAside(threadId);
    return false;
  }

  async #make(thread: string, homeFolders: readonly string[]): Promise<void> {
    const name = `${DRAFT}${randomUUID()}`;
    const draft = join(this.#threads, name);
    this.#drafts.add(name);
    try {
      await mkdir(draft, { recursive: true, mode: 0o700 });
      await copyTemplate(this.options.workspaceTemplate, join(draft, 'workspace'));
      await copyTemplate(this.options.homeTemplate, join(draft, 'home'));
      await copyLinkedFolders(this.options.homeTemplate, join(draft, 'home'), homeFolders);
      await makeFolders(draft, homeFolders);
      await rename(draft, thread);
    } catch (error) {
      await this.#removal.removeDraft(name);
      // Another server on the same disk was first; its thread is as good.
      if (!['ENOTEMPTY', 'EEXIST'].includes(readErrorCode(error) ?? '')) throw error;
    } finally {
      this.#drafts.delete(name);
    }
  }
}

async function makeFolders(thread: string, homeFolders: readonly string[]): Promise<void> {
  const files = new ThreadFiles(thread);
  // One after the other: two of them are in the same home.
  for (const folder of [...FOLDERS, ...homeFolders.map((name) => `home/${name}`)]) await files.makeFolder(folder);
}
