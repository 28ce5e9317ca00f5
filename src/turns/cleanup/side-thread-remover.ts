import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { ThreadControl } from '../thread-control.js';

/** How often expired side threads are removed. */
const SWEEP_INTERVAL_MS = 60_000;
/** How long a side thread is kept for a retry of its request. */
const RETENTION_MS = 600_000;
/** How many threads one sweep removes. */
const BATCH_SIZE = 100;

/** Removes the threads of side requests: no later request uses them, and each has folders on disk. */
@Injectable()
export class SideThreadRemover implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(SideThreadRemover.name);
  #timer: NodeJS.Timeout | undefined;
  #removing = false;
  /** Threads whose removal failed; each is logged once. */
  readonly #stuck = new Set<string>();

  constructor(
    private readonly threads: ThreadStore,
    private readonly control: ThreadControl,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.remove(Date.now()), SWEEP_INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Removes the threads that have expired at this time (milliseconds since the epoch). Never rejects. */
  async remove(nowMs: number): Promise<void> {
    if (this.#removing) return;
    this.#removing = true;
    try {
      // The oldest come first. Threads that cannot be removed must not fill up the batch.
      const limit = BATCH_SIZE + this.#stuck.size;
      const expired = await this.threads.listExpiredSideThreads(nowMs - RETENTION_MS, limit);
      for (const thread of expired) await this.removeOne(thread);
    } catch (error) {
      this.logger.error({ err: error }, 'failed to list expired side threads');
    } finally {
      this.#removing = false;
    }
  }

  private async removeOne(thread: Thread): Promise<void> {
    try {
      await this.control.remove(thread);
      this.#stuck.delete(thread.id);
    } catch (error) {
      if (!this.#stuck.has(thread.id)) {
        this.logger.error({ err: error, threadId: thread.id }, 'failed to remove a side thread');
      }
      this.#stuck.add(thread.id);
    }
  }
}
