/** Where the store is and how it writes. */
export interface StorageOptions {
  /** Absolute path of the deployment's data folder; SQLite's files are in it. Made when it is not there. */
  readonly dataDirectory: string;
  /** URL of a PostgreSQL database, or `undefined` for SQLite in the data folder. Holds a password: never logged. */
  readonly databaseUrl: string | undefined;
  /** How long an event may wait for others before they are committed together, in milliseconds. */
  readonly flushMs: number;
  /** How long `EventLog.finish` keeps trying while the store cannot write, in milliseconds. 30 seconds when absent. */
  readonly finishRetryMs?: number;
  /**
   * How often turns that run in another process, or wait for their start, are looked up for their readers, in milliseconds.
   * Half a second when absent.
   */
  readonly pollMilliseconds?: number;
}

/** Injection token of the store's options. */
export const StorageOptions = Symbol('StorageOptions');
