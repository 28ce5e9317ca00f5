import type { AppliedPolicies } from '../../domain/policy/policy.js';
import type { Thread } from '../../storage/stores/thread.store.js';

/** An entry of a workspace. */
export interface WorkspaceEntry {
  /** Relative to the workspace, with `/`. */
  readonly path: string;
  readonly type: 'file' | 'folder' | 'link';
  /** Bytes of a file; 0 for the others. */
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modifiedMs: number;
}

/** Which entries are listed. */
export interface WorkspaceListing {
  /** The folder; empty for the workspace itself. */
  readonly path: string;
  readonly limit: number;
  /** Those after this path, relative to the folder. */
  readonly after: string | undefined;
  readonly isRecursive: boolean;
}

/** A file, or a folder as an archive, that is being read. */
export interface WorkspaceDownload {
  readonly type: 'file' | 'folder';
  /** Bytes; `undefined` for an archive. */
  readonly size: number | undefined;
  readonly modifiedMs: number;
  /** Absent where it was not asked for. Leaving the loop ends the reading. Rejects when the file is not what it was any more. */
  readonly body?: AsyncIterable<Uint8Array> | undefined;
}

/**
 * The workspaces of threads, on whatever server they are. Follows no link. Every method rejects with a ServiceError (`unavailable`) when the server that has
 * the thread cannot be reached.
 */
export abstract class WorkspaceFiles {
  /** Lists a folder; empty if it is not there. At most one more than the limit, which tells that there is more. */
  abstract list(thread: Thread, listing: WorkspaceListing): Promise<readonly WorkspaceEntry[]>;

  /**
   * Opens a file, or a folder as a tar archive.
   *
   * @param path empty for the workspace itself
   * @param withBytes false to learn what it is, and open nothing
   * @throws ServiceError (`not_found`), also for links, FIFOs and devices; (`too_large`) for a folder with too many entries
   */
  abstract read(thread: Thread, path: string, withBytes: boolean): Promise<WorkspaceDownload>;

  /**
   * Writes a file, which belongs to the thread's user. Its agent has the old one or the new one, never a part.
   *
   * @param policies those of the caller, which may name the template of a workspace that is not there yet
   * @throws ServiceError (`conflict`) for a path through a file or a link, or of a folder, (`too_large`), (`overloaded`) on a full disk
   */
  abstract write(
    thread: Thread,
    path: string,
    body: AsyncIterable<Uint8Array>,
    policies: AppliedPolicies,
  ): Promise<WorkspaceEntry>;
}
