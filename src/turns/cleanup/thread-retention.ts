import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { ThreadControl } from '../thread-control.js';
import { ThreadSweep } from './thread-sweep.js';

/** How often threads are looked for that have not been used. */
const SWEEP_INTERVAL_MS = 600_000;

/** Removes threads that have not been used for the deployment's retention period, with their folders; none if there is no such period. */
@Injectable()
export class ThreadRetention implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #sweep: ThreadSweep;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    threads: ThreadStore,
    control: ThreadControl,
  ) {
    const { threadRetentionMs } = config;
    this.#sweep = new ThreadSweep(
      {
        name: 'unused threads',
        list: (nowMs, limit) => threads.listUnused(nowMs - threadRetentionMs, limit),
        remove: (thread, nowMs) => control.removeUnused(thread, nowMs - threadRetentionMs),
      },
      new Logger(ThreadRetention.name),
    );
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.config.threadRetentionMs === 0) return;
    this.#timer = setInterval(() => void this.remove(Date.now()), SWEEP_INTERVAL_MS).unref();
    await this.remove(Date.now());
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  /** Removes a batch of the threads that have expired at this time (milliseconds since the epoch). Never rejects. */
  async remove(nowMs: number): Promise<void> {
    if (this.config.threadRetentionMs > 0) await this.#sweep.run(nowMs);
  }
}
