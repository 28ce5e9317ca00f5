import { Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { ThreadControl } from '../thread-control.js';
import { ThreadSweep } from './thread-sweep.js';

/** How often expired side threads are removed. */
const SWEEP_INTERVAL_MS = 60_000;
/** How long a side thread is kept for a retry of its request. */
const RETENTION_MS = 600_000;

/** Removes the threads of side requests: no later request uses them, and each has folders on disk. */
@Injectable()
export class SideThreadRemover implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #sweep: ThreadSweep;
  #timer: NodeJS.Timeout | undefined;

  constructor(threads: ThreadStore, control: ThreadControl) {
    this.#sweep = new ThreadSweep(
      {
        name: 'side threads',
        list: (nowMs, limit) => threads.listExpiredSideThreads(nowMs - RETENTION_MS, limit),
        remove: (thread) => control.remove(thread),
      },
      new Logger(SideThreadRemover.name),
    );
  }

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.remove(Date.now()), SWEEP_INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Removes the threads that have expired at this time (milliseconds since the epoch). Never rejects. */
  remove(nowMs: number): Promise<void> {
    return this.#sweep.run(nowMs);
  }
}
