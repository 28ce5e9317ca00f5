/** A lock on something that only one server may use, or only servers that share it: the data folder or the database. */
export interface ServerLock {
  /** What is locked, for messages: `the data folder /data`. Never holds a password. */
  readonly name: string;
  /** Tries to acquire the lock. False when another server holds it. @throws when it cannot be reached */
  acquire(): Promise<boolean>;
  /** Checks that this server holds the lock, and reacquires a lost one; false when another server holds it. @throws when it cannot be reached */
  ensureHeld(): Promise<boolean>;
  /** Describes the server that holds the lock, if known: `process 12 on web-1`. */
  describeHolder(): Promise<string | undefined>;
  /** Releases the lock. Idempotent. */
  release(): Promise<void>;
}
