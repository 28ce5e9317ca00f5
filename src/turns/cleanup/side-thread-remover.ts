import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { ThreadControl } from '../thread-control.js';

/** How often the threads of side requests are looked for, in milliseconds. */
const SWEEP_INTERVAL_MS = 60_000;
/** How long one is kept, for a retry of its request. */
const RETENTION_MS = 600_000;
/** How many are removed at a time. */
const BATCH_SIZE = 100;

/** Removes the threads that were made for side requests: nobody comes back to them, and each has folders. */
@Injectable()
export class SideThreadRemover implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(SideThreadRemover.name);
  #timer: NodeJS.Timeout | undefined;
  #removing = false;
  /** What could not be removed, so that the log has each of them once. */
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

  /** Removes what is old enough at this time (milliseconds since the epoch). Never rejects. */
  async remove(now: number): Promise<void> {
    if (this.#removing) return;
    this.#removing = true;
    try {
      // Those that cannot be removed are the oldest: they must not keep the others from their turn.
      const old = await this.threads.listExpiredSideThreads(now - RETENTION_MS, BATCH_SIZE + this.#stuck.size);
      for (const thread of old) await this.removeOne(thread);
    } catch (error) {
      this.logger.error({ err: error }, 'threads of side requests could not be looked for');
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
        this.logger.error({ err: error, threadId: thread.id }, 'the thread of a side request could not be removed');
      }
      this.#stuck.add(thread.id);
    }
  }
}
