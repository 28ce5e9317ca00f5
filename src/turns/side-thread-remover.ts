import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ThreadStore } from '../storage/thread.store.js';
import { ThreadControl } from './thread-control.js';

/** How often the threads of side requests are looked for, in milliseconds. */
const INTERVAL = 60_000;
/** How long one is kept, for a retry of its request. */
const KEPT = 600_000;
/** How many are removed at a time. */
const AT_A_TIME = 100;

/** Removes the threads that were made for side requests: nobody comes back to them, and each has folders. */
@Injectable()
export class SideThreadRemover implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(SideThreadRemover.name);
  #timer: NodeJS.Timeout | undefined;
  #removing = false;

  constructor(
    private readonly threads: ThreadStore,
    private readonly control: ThreadControl,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.remove(Date.now()), INTERVAL).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Removes what is old enough at this time (milliseconds since the epoch). Never rejects. */
  async remove(now: number): Promise<void> {
    if (this.#removing) return;
    this.#removing = true;
    try {
      for (const thread of await this.threads.throwAways(now - KEPT, AT_A_TIME)) await this.control.remove(thread);
    } catch (error) {
      this.logger.error({ err: error }, 'threads of side requests could not be removed');
    } finally {
      this.#removing = false;
    }
  }
}
