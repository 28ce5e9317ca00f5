/** Names one snapshot of a thread; unique, and never given twice. */
export type SnapshotName = string;

/** Which state of a thread a snapshot has. */
export interface SnapshotVersion {
  /** How often the thread has been given to another server. */
  readonly generation: number;
  /** The sequence number of the last turn that is in the files. */
  readonly turn: number;
}

/**
 * Which of a thread's files a snapshot has: all that it keeps; all but those of the workspace, which were above the limit; or of the home only those
 * in the agents' own folders, with their records.
 */
export type SnapshotExtent = 'all' | 'home' | 'records';

/** A snapshot that a thread's folders were made from. */
export interface RestoredSnapshot extends SnapshotVersion {
  readonly extent: SnapshotExtent;
}

/** What a snapshot has that was made. */
export interface SavedSnapshot {
  readonly name: SnapshotName;
  readonly extent: SnapshotExtent;
  /** Bytes that were sent to the store for it, compressed. */
  readonly sentBytes: number;
}

/** Keeps copies of threads' files outside of this machine. */
export interface ThreadSnapshots {
  /** Rejects if the store cannot be used as it is configured. */
  check(): Promise<void>;
  /** A name for the next snapshot of a thread. */
  name(version: SnapshotVersion): SnapshotName;
  /**
   * Copies the thread's files to the store; of those that the previous snapshot has, only what has changed since. Resolves once it is complete in
   * the store. When it rejects, or the server dies before, the previous snapshot is as it was, and what was sent is pruned later.
   *
   * @param name from {@link name}
   * @param previous the thread's current snapshot; `undefined` for none
   */
  save(
    threadId: string,
    name: SnapshotName,
    version: SnapshotVersion,
    previous: SnapshotName | undefined,
  ): Promise<SavedSnapshot>;
  /**
   * Puts the files of a snapshot in the place of the thread's folders. The thread's processes must be stopped before. When it rejects, the folders
   * are as they were.
   */
  restore(threadId: string, snapshot: SnapshotName): Promise<RestoredSnapshot>;
  /**
   * Removes from the store what no snapshot in use needs and is older than a day.
   *
   * @param findCurrent the current snapshot of a thread; `undefined` for none, or for a thread that was removed
   */
  prune(findCurrent: (threadId: string) => Promise<SnapshotName | undefined>): Promise<void>;
  /** Removes all snapshots of a thread. */
  remove(threadId: string): Promise<void>;
}

/** The store does not have a snapshot, or has it damaged. */
export class SnapshotError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'SnapshotError';
  }
}
