import { Injectable, Logger } from '@nestjs/common';
import { Jobs } from '../../cluster/jobs.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { ThreadControl } from '../thread-control.js';
import { ThreadSweep } from './thread-sweep.js';

/** How often expired side threads are removed. */
const SWEEP_INTERVAL_MS = 60_000;
/** How long a side thread is kept for a retry of its request. */
const RETENTION_MS = 600_000;

/** Removes the threads of side requests: no later request uses them, and each has folders on disk. */
@Injectable()
export class SideThreadRemover {
  readonly #sweep: ThreadSweep;

  constructor(threads: ThreadStore, control: ThreadControl, clock: StoreClock, jobs: Jobs) {
    this.#sweep = new ThreadSweep(
      {
        name: 'side threads',
        list: (nowMs, limit) => threads.listExpiredSideThreads(nowMs - RETENTION_MS, limit),
        remove: (thread) => control.remove(thread),
      },
      new Logger(SideThreadRemover.name),
    );
    const run = (): Promise<void> => this.remove(clock.now());
    jobs.repeat({ name: 'remove_side_threads', everyMs: SWEEP_INTERVAL_MS, isOwn: false, run });
  }

  /** Removes the threads that have expired at this time (milliseconds since the epoch). Never rejects. */
  remove(nowMs: number): Promise<void> {
    return this.#sweep.run(nowMs);
  }
}
