/** Something that only one server may use: the data folder, the database. */
export interface ServerLock {
  /** What it is, for messages: `the data folder /data`. Never holds a password. */
  readonly name: string;
  /** Takes it. True when this server has it. @throws when it cannot be reached */
  take(): Promise<boolean>;
  /** Makes sure that this server still has it, or has it again; false when another one has. @throws when it cannot be reached */
  keep(): Promise<boolean>;
  /** Who has it instead, as far as that is known: `process 12 on web-1`. */
  holder(): Promise<string | undefined>;
  /** Gives it back. Safe to call again. */
  release(): Promise<void>;
}
