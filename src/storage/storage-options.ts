/** The location and timing of the store. */
export interface StorageOptions {
  /** Absolute path of the data folder, which holds SQLite's files. Created when missing. */
  readonly dataDirectory: string;
  /** URL of a PostgreSQL database, or `undefined` for SQLite in the data folder. May hold a password: never logged. */
  readonly databaseUrl: string | undefined;
  /** Interval of the group commits of events. */
  readonly flushMs: number;
  /** How long `EventLog.finish` retries while the store cannot write. 30 seconds when absent. */
  readonly finishRetryMs?: number;
  /**
   * How often the store is polled for readers of turns that are queued or run in another process. Half a second when absent.
   */
  readonly pollMs?: number;
  /**
   * After how long PostgreSQL ends a transaction whose server does nothing with it, as when that is suspended: others wait for its locks.
   * Absent for never.
   */
  readonly transactionIdleMs?: number;
  /** Whether each turn that ends is told to the deployment's own webhook. */
  readonly hasWebhook?: boolean;
  /** Free space of the data folder's disk below which new turns are refused; 0 or absent for none. */
  readonly minFreeBytes?: number;
}

/** Injection token of {@link StorageOptions}. */
export const StorageOptions = Symbol('StorageOptions');
