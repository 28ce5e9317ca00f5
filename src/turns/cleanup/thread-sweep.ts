import type { Logger } from '@nestjs/common';
import type { Thread } from '../../storage/stores/thread.store.js';

/** How many threads one sweep removes. */
const BATCH_SIZE = 100;

/** What a sweep removes. */
export interface SweptThreads {
  /** Completes "failed to remove …" in the log. */
  readonly name: string;
  /** At most `limit` threads that can be removed at this time (milliseconds since the epoch), the oldest first. */
  readonly list: (nowMs: number, limit: number) => Promise<readonly Thread[]>;
  readonly remove: (thread: Thread, nowMs: number) => Promise<void>;
}

/** Removes threads that are not needed any more, one after the other. */
export class ThreadSweep {
  #running = false;
  /** Threads whose removal failed; each is logged once. */
  readonly #stuck = new Set<string>();

  constructor(
    private readonly threads: SweptThreads,
    private readonly logger: Pick<Logger, 'error'>,
  ) {}

  /** Removes a batch of what has expired at this time (milliseconds since the epoch), unless a sweep is going on. Never rejects. */
  async run(nowMs: number): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      // The oldest come first. Threads that cannot be removed must not fill up the batch.
      for (const thread of await this.threads.list(nowMs, BATCH_SIZE + this.#stuck.size))
        await this.#remove(thread, nowMs);
    } catch (error) {
      this.logger.error({ err: error }, `failed to list ${this.threads.name}`);
    } finally {
      this.#running = false;
    }
  }

  async #remove(thread: Thread, nowMs: number): Promise<void> {
    try {
      await this.threads.remove(thread, nowMs);
      this.#stuck.delete(thread.id);
    } catch (error) {
      if (!this.#stuck.has(thread.id)) {
        this.logger.error({ err: error, threadId: thread.id }, `failed to remove ${this.threads.name}`);
      }
      this.#stuck.add(thread.id);
    }
  }
}
