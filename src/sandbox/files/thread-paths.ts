import { join, resolve } from 'node:path';
import type { SandboxFolders, SandboxOptions } from '../sandbox.js';

/** All folders of one thread. */
export interface ThreadFolders extends SandboxFolders {
  /** The folder that holds the others. */
  readonly thread: string;
  /** `TMPDIR` of the thread. */
  readonly temporary: string;
}

/** The folder that has the folder of all threads. */
export function toThreadsParent({ dataDirectory, sharedDirectory }: SandboxOptions): string {
  return resolve(sharedDirectory ?? dataDirectory);
}

/** The folder of all threads. */
export function toThreadsFolder(options: SandboxOptions): string {
  return join(toThreadsParent(options), 'threads');
}

/**
 * The folders of a thread. Throws for an id that could lead out of the folder of all threads.
 *
 * @param parent see {@link toThreadsParent}
 */
export function toThreadFolders(parent: string, threadId: string): ThreadFolders {
  if (!/^[A-Za-z0-9_-]+$/.test(threadId)) throw new Error('a thread id holds only letters, digits, "_" and "-"');
  return toFolders(join(resolve(parent), 'threads', threadId));
}

/** The folders in a thread's folder. */
export function toFolders(thread: string): ThreadFolders {
  // Not by `join`: they are made several times in each turn.
  return {
    thread,
    workspace: `${thread}/workspace`,
    home: `${thread}/home`,
    temporary: `${thread}/tmp`,
    server: `${thread}/server`,
  };
}
