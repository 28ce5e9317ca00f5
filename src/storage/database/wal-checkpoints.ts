import { open } from 'node:fs/promises';
import { Logger } from '@nestjs/common';

/** How many statements run between two looks at the log's length; a look takes as long as one of them. */
const STATEMENTS_PER_LOOK = 256;

/** Frames (pages of 4 KiB) that are not in the database yet when a checkpoint is due. Running turns rewrite the same pages often, so it is not early. */
export const DUE_FRAMES = 4000;

/** How many characters of large values are written until a checkpoint is due. Each of their pages is a new one, to be copied: 10 ms for these. */
export const DUE_LARGE_CHARS = 4 * 1024 * 1024;

/** From how many characters on a statement's values are large. */
const LARGE_CHARS = 64 * 1024;

const logger = new Logger('Store');

/** What checkpoints need of a connection. */
export interface WalConnection {
  readonly isOpen: boolean;
  readonly isTransaction: boolean;
  /** Frames of the log that are not in the database yet. */
  countFrames(): number;
  /** Copies the log to the database, as far as nobody reads older pages. */
  checkpoint(): void;
}

/**
 * Runs SQLite's checkpoints between statements. By itself SQLite does so within a commit, and there waits until the disk has the whole log: 10 to 40 ms
 * every hundred turns, on the thread that serves every stream. Here another thread waits for the disk first, so that little is left to wait for.
 *
 * What is durable and when stays SQLite's business: it syncs again, and still checkpoints by itself when a log grows too fast for this.
 */
export class WalCheckpoints {
  #statements = 0;
  #largeChars = 0;
  #isSyncing = false;

  /** @param file the log. */
  constructor(
    private readonly file: string,
    private readonly connection: WalConnection,
  ) {}

  /** Call after each statement. Starts a checkpoint when one is due; it is run later. Never throws. */
  noteStatement(chars = 0): void {
    this.#statements += 1;
    if (chars >= LARGE_CHARS) this.#largeChars += chars;
    const isLarge = this.#largeChars >= DUE_LARGE_CHARS;
    if (this.#statements < STATEMENTS_PER_LOOK && !isLarge) return;
    if (this.#isSyncing || this.connection.isTransaction) return;
    this.#statements = 0;
    this.#isSyncing = true;
    void this.#checkpointIfDue(isLarge);
  }

  /** Never rejects. */
  async #checkpointIfDue(isLarge: boolean): Promise<void> {
    try {
      if (!isLarge && this.connection.countFrames() < DUE_FRAMES) return;
      this.#largeChars = 0;
      const log = await open(this.file, 'r+');
      try {
        await log.datasync();
      } finally {
        await log.close();
      }
      // One that has to wait for a transaction is begun again by a later look.
      if (this.connection.isOpen && !this.connection.isTransaction) this.connection.checkpoint();
    } catch (error) {
      // SQLite's own checkpoint is still to come, once the log is twice as long.
      logger.debug({ err: error }, 'failed to checkpoint the store');
    } finally {
      this.#isSyncing = false;
    }
  }
}
