import { randomUUID } from 'node:crypto';
import { lstatSync, type Stats } from 'node:fs';
import { lstat, mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { readErrorCode } from '../errors.js';
import type { SandboxOptions } from '../sandbox.js';
import { SERVER_FOLDER } from './folder-handle.js';
import { copyFolders, hasRights, letPass, listFolders, makeEmptyFolders, makeFolders } from './folder-layout.js';
import { TreeWriter } from '../tree/tree-writer.js';
import { FoldersAhead } from './folders-ahead.js';
import { copyTemplate, copyLinkedFolders } from './template.js';
import { DRAFT, type StuckLeftover, ThreadRemoval } from './thread-removal.js';
import { type ThreadFolders, toFolders, toThreadFolders, toThreadsFolder, toThreadsParent } from './thread-paths.js';
import type { ThreadUsers } from './thread-users.js';

/** How old a leftover in a shared folder is before it is certain that no server works on it. */
const SHARED_LEFTOVER_MS = 86_400_000;

/** Makes and removes the folders of all threads of a data folder. */
export class ThreadFolderStore {
  readonly #threads: string;
  readonly #removal: ThreadRemoval;
  readonly #drafts = new Set<string>();
  #ahead: FoldersAhead | undefined;

  /** @param users gives each thread a user id; absent to keep all files the server's */
  constructor(
    private readonly options: SandboxOptions,
    private readonly users?: ThreadUsers,
  ) {
    this.#threads = toThreadsFolder(options);
    // Other servers make and remove threads in a shared folder, too.
    this.#removal = new ThreadRemoval(this.#threads, options.sharedDirectory === undefined ? 0 : SHARED_LEFTOVER_MS);
    if (options.makesFoldersAhead === true)
      this.#ahead = new FoldersAhead(join(toThreadsParent(options), 'threads-ahead'), makeEmptyFolders);
  }

  /**
   * Makes a thread's folders, for their owner only; from the templates when the thread is new. Those of a known thread are put right:
   * what is missing is made, what its agent closed is opened, and what is no folder any more is set aside.
   *
   * @param homeFolders names of folders that the home has to have, too.
   * @param workspaceTemplate the folder of the workspace's template; `undefined` for an empty workspace
   * @throws MissingTemplateError if a new thread needs it and it is not there
   */
  async prepare(
    threadId: string,
    homeFolders: readonly string[] = [],
    workspaceTemplate = this.options.workspaceTemplate,
  ): Promise<ThreadFolders> {
    const folders = toThreadFolders(toThreadsParent(this.options), threadId);
    const found = await this.#findReady(folders.thread, homeFolders);
    if (typeof found === 'object' && this.users?.mayKeep(found.uid) !== false) return folders;
    if (found === 'none' || !(await this.#isThere(threadId)))
      await this.#make(folders.thread, homeFolders, workspaceTemplate);
    else {
      // It may be from a time when all threads had the server's user, or its user id is in use by another server.
      if (this.users !== undefined && !this.users.mayKeep((await lstat(folders.thread)).uid)) {
        await this.users.assign(folders.thread);
      }
      await makeFolders(folders.thread, homeFolders);
    }
    return folders;
  }

  /**
   * Copies a thread's folders, but for its temporary one, for another thread that has none. They are in their place once `accept` has
   * resolved; what it rejects with ends the call, and then nothing is left. A server that dies before leaves a draft, which the
   * next sweep removes.
   *
   * Returns how many folders were too deep to be copied. A thread without folders is no error.
   */
  async copy(fromId: string, toId: string, accept: () => Promise<void>): Promise<number> {
    const [from, to] = [fromId, toId].map((id) => toThreadFolders(toThreadsParent(this.options), id).thread);
    if (from === undefined || to === undefined) throw new TypeError('two ids have two folders');
    return this.#inDraft(async (draft) => {
      const tooDeep = (await this.#isThere(fromId)) ? await copyFolders(from, draft) : 0;
      await this.users?.assign(draft);
      await accept();
      await rename(draft, to);
      return tooDeep;
    });
  }

  /**
   * Puts new folders, with what `fill` writes, in the place of a thread's, which may have none. They are its user's. What `fill` rejects with ends the call,
   * and the thread is as it was.
   */
  async replace(threadId: string, fill: (tree: TreeWriter) => Promise<void>): Promise<void> {
    const { thread } = toThreadFolders(toThreadsParent(this.options), threadId);
    await this.#inDraft(async (draft) => {
      const tree = new TreeWriter(draft);
      try {
        await fill(tree);
      } finally {
        await tree.close();
      }
      await makeFolders(draft, []);
      await this.users?.assign(draft);
      await this.#removal.setAside(threadId);
      await rename(draft, thread);
    });
  }

  /** Runs a task on folders like those of a new thread, but empty. They are removed when it is done. */
  async withScratch<Result>(task: (folders: ThreadFolders) => Promise<Result>): Promise<Result> {
    return this.#inDraft(async (draft) => {
      await makeFolders(draft, []);
      await this.users?.assign(draft);
      const result = await task(toFolders(draft));
      const { uid } = await lstat(draft);
      await this.#removal.removeDraft(basename(draft));
      this.users?.release(uid);
      return result;
    });
  }

  /** Removes a thread's folders; one that has none is no error. Rejects as long as any of them is on the disk. */
  async remove(threadId: string): Promise<void> {
    toThreadFolders(toThreadsParent(this.options), threadId);
    await this.#removal.remove(threadId);
  }

  /** The ids of all threads that have folders. */
  async threadIds(): Promise<readonly string[]> {
    try {
      return (await readdir(this.#threads)).filter((name) => !name.startsWith('.'));
    } catch (error) {
      if (readErrorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  /** Removes what removals and preparations that broke off have left. Gives what resisted. */
  async sweep(): Promise<readonly StuckLeftover[]> {
    const stuck = await this.#removal.sweep((name) => this.#drafts.has(name));
    return [...stuck, ...((await this.#ahead?.sweep()) ?? [])];
  }

  /** Makes no folders ahead any more. Rejects if those that are ready cannot be removed. */
  async close(): Promise<void> {
    await this.#ahead?.close();
  }

  /**
   * A thread's folder if {@link makeFolders} would change nothing in it, which is so before nearly every turn; `none` if there is no such folder.
   * Nothing is opened: an agent that puts a link in the place of a folder meanwhile only keeps it until the next look.
   */
  async #findReady(thread: string, homeFolders: readonly string[]): Promise<Stats | 'none' | undefined> {
    const names = listFolders(homeFolders);
    const paths = names.map((name) => `${thread}/${name}`);
    try {
      let top: Stats | undefined;
      let found: readonly Stats[];
      if (this.options.sharedDirectory === undefined) {
        // To ask a local disk takes less time than to hand the question to another thread; a network may not answer at once.
        // Errors take longer to make than to look at a disk, and a new thread would have one for each folder.
        top = lstatSync(thread, { throwIfNoEntry: false });
        if (top === undefined) return 'none';
        found = paths.map((path) => lstatSync(path));
      } else [top, ...found] = await Promise.all([thread, ...paths].map((path) => lstat(path)));
      const server = process.geteuid?.();
      const isReady = found.every((folder, index) =>
        hasRights(folder, names[index] === SERVER_FOLDER, { user: top?.uid, server }),
      );
      return isReady ? top : undefined;
    } catch (error) {
      if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(readErrorCode(error) ?? '')) return undefined;
      throw error;
    }
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

  async #make(thread: string, homeFolders: readonly string[], workspaceTemplate: string | undefined): Promise<void> {
    const hasTemplates = (workspaceTemplate ?? this.options.homeTemplate) !== undefined;
    try {
      if (!hasTemplates && (await this.#placeReady(thread, homeFolders))) return;
      await this.#inDraft(async (draft) => {
        await copyTemplate(workspaceTemplate, join(draft, 'workspace'));
        await copyTemplate(this.options.homeTemplate, join(draft, 'home'));
        await copyLinkedFolders(this.options.homeTemplate, join(draft, 'home'), homeFolders);
        // What templates have in the place of a folder is set aside.
        await (hasTemplates ? makeFolders : makeEmptyFolders)(draft, homeFolders);
        await this.users?.assign(draft);
        await rename(draft, thread);
      });
    } catch (error) {
      // Another server on the same disk was first; its thread is as good.
      if (!['ENOTEMPTY', 'EEXIST'].includes(readErrorCode(error) ?? '')) throw error;
    }
  }

  /** Gives a new thread folders that are ready. False when there are none, or they cannot be moved there. */
  async #placeReady(thread: string, homeFolders: readonly string[]): Promise<boolean> {
    const ahead = this.#ahead;
    const name = await ahead?.take(homeFolders);
    if (ahead === undefined || name === undefined) return false;
    try {
      await this.#letUsersPass();
      await this.users?.assign(ahead.path(name));
      await rename(ahead.path(name), thread);
      ahead.done(name);
      return true;
    } catch (error) {
      await ahead.drop(name);
      const code = readErrorCode(error);
      // The threads are on another disk than the folder beside them.
      if (code === 'EXDEV') this.#ahead = undefined;
      // Somebody may have removed them, or the folder of all threads.
      if (code === 'EXDEV' || code === 'ENOENT') return false;
      throw error;
    }
  }

  /** Runs a task on a new folder beside the threads, which it moves to its place. Removes the folder if the task rejects. */
  async #inDraft<Result>(task: (draft: string) => Promise<Result>): Promise<Result> {
    const name = `${DRAFT}${randomUUID()}`;
    const draft = join(this.#threads, name);
    this.#drafts.add(name);
    try {
      await mkdir(draft, { recursive: true, mode: 0o700 });
      await this.#letUsersPass();
      return await task(draft);
    } catch (error) {
      await this.#removal.removeDraft(name);
      throw error;
    } finally {
      this.#drafts.delete(name);
    }
  }

  async #letUsersPass(): Promise<void> {
    if (this.users === undefined) return;
    // The data folder has the socket of the broker, also where the threads are in another one.
    await letPass(new Set([resolve(this.options.dataDirectory), toThreadsParent(this.options), this.#threads]));
  }
}
