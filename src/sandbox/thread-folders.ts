import { randomUUID } from 'node:crypto';
import { chmod, cp, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorCode } from './errors.js';
import type { SandboxFolders } from './sandbox.js';

/** Where the threads' folders are, and what new ones are made from. */
export interface ThreadFolderOptions {
  readonly dataDirectory: string;
  /** Copied into the workspace of each new thread. */
  readonly workspaceTemplate: string | undefined;
  /** Copied into the home of each new thread. */
  readonly homeTemplate: string | undefined;
}

/** All folders of one thread. */
export interface ThreadFolders extends SandboxFolders {
  /** The folder that holds the others. */
  readonly thread: string;
  /** `TMPDIR` of the thread. */
  readonly temporary: string;
}

/** The folders of a thread. Throws for an id that could lead out of the folder of all threads. */
export function threadFolders(dataDirectory: string, threadId: string): ThreadFolders {
  if (!/^[A-Za-z0-9_-]+$/.test(threadId)) throw new Error('a thread id holds only letters, digits, "_" and "-"');
  return foldersIn(join(resolve(dataDirectory), 'threads', threadId));
}

/** Makes a thread's folders, for their owner only; from the templates when the thread is new. */
export async function prepareThread(options: ThreadFolderOptions, threadId: string): Promise<ThreadFolders> {
  const folders = threadFolders(options.dataDirectory, threadId);
  if (await exists(folders.thread)) await makeFolders(folders);
  else await makeThread(options, folders);
  return folders;
}

/** Removes a thread's folders; one that has none is no error. */
export async function removeThread(dataDirectory: string, threadId: string): Promise<void> {
  const { thread } = threadFolders(dataDirectory, threadId);
  // First out of its place: half a thread must not pass for a whole one.
  const doomed = sibling(thread, 'removed');
  try {
    await rename(thread, doomed);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw error;
  }
  await rm(doomed, { recursive: true, force: true });
}

async function makeThread(options: ThreadFolderOptions, folders: ThreadFolders): Promise<void> {
  const draft = foldersIn(sibling(folders.thread, 'new'));
  try {
    await makeFolders(draft);
    await copyTemplate(options.workspaceTemplate, draft.workspace);
    await copyTemplate(options.homeTemplate, draft.home);
    await rename(draft.thread, folders.thread);
  } catch (error) {
    await rm(draft.thread, { recursive: true, force: true });
    // Another server on the same disk was first; its thread is as good.
    if (!['ENOTEMPTY', 'EEXIST'].includes(errorCode(error) ?? '')) throw error;
  }
}

async function copyTemplate(template: string | undefined, target: string): Promise<void> {
  if (template === undefined) return;
  await cp(template, target, { recursive: true, verbatimSymlinks: true });
  await chmod(target, 0o700);
}

async function makeFolders({ workspace, home, temporary }: ThreadFolders): Promise<void> {
  // The home comes with what is in it.
  const folders = [workspace, temporary, join(home, '.claude'), join(home, '.codex')];
  await Promise.all(folders.map((folder) => mkdir(folder, { recursive: true, mode: 0o700 })));
}

function foldersIn(thread: string): ThreadFolders {
  return {
    thread,
    workspace: join(thread, 'workspace'),
    home: join(thread, 'home'),
    temporary: join(thread, 'tmp'),
    server: join(thread, 'server'),
  };
}

/** A path beside the thread's folder on the same disk, which is no thread: a thread's id has no dot. */
function sibling(thread: string, purpose: string): string {
  return join(dirname(thread), `.${purpose}-${randomUUID()}`);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  }
}
