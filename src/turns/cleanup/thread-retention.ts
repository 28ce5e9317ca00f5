import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Jobs } from '../../cluster/jobs.js';
import { AppConfig } from '../../config/app-config.js';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { type Thread, ThreadStore } from '../../storage/stores/thread.store.js';
import { ThreadControl } from '../thread-control.js';
import { chooseAboveLimit } from './choose-above-limit.js';
import { ThreadSweep } from './thread-sweep.js';

/** How often threads are looked for that have not been used. */
const SWEEP_INTERVAL_MS = 600_000;

/** How many threads are candidates when the data folder is above its limit. */
const MAX_CANDIDATES = 10_000;

/**
 * Removes threads with their folders: those that have not been used for the deployment's retention period, and the longest unused ones
 * while the folders together are above the deployment's limit. None without such settings, and never one with a turn that runs or
 * is queued.
 */
@Injectable()
export class ThreadRetention implements OnApplicationBootstrap {
  private readonly logger = new Logger(ThreadRetention.name);
  readonly #expired: ThreadSweep;
  readonly #aboveLimit: ThreadSweep;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly threads: ThreadStore,
    private readonly control: ThreadControl,
    private readonly gateway: HarnessGateway,
    private readonly clock: StoreClock,
    jobs: Jobs,
  ) {
    const { threadRetentionMs, dataLimitBytes } = config;
    this.#expired = new ThreadSweep(
      {
        name: 'unused threads',
        list: (nowMs, limit) => threads.listUnused(nowMs - threadRetentionMs, limit),
        remove: (thread, nowMs) => this.#remove(thread, nowMs, nowMs - threadRetentionMs, 'unused'),
      },
      this.logger,
    );
    this.#aboveLimit = new ThreadSweep(
      {
        name: 'threads above the data limit',
        list: (nowMs) => this.#listAboveLimit(nowMs),
        // One that was used since it was listed is not the longest unused any more.
        remove: (thread, nowMs) => this.#remove(thread, nowMs, thread.updatedAt + 1, 'data limit'),
      },
      this.logger,
    );
    const everyMs = SWEEP_INTERVAL_MS;
    if (threadRetentionMs > 0) {
      jobs.repeat({ name: 'remove_unused', everyMs, isOwn: false, run: () => this.#expired.run(clock.now()) });
    }
    // Of the files on this machine.
    if (dataLimitBytes > 0) {
      jobs.repeat({ name: 'limit_data', everyMs, isOwn: true, run: () => this.#aboveLimit.run(clock.now()) });
    }
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.config.threadRetentionMs === 0 && this.config.dataLimitBytes === 0) return;
    if (this.config.threadRetentionMs > 0) await this.#expired.run(this.clock.now());
    // To measure all folders may take long, and the server is not to wait for it.
    if (this.config.dataLimitBytes > 0) void this.#aboveLimit.run(this.clock.now());
  }

  /** Removes the threads that have expired at this time (milliseconds since the epoch), then those above the limit. Never rejects. */
  async remove(nowMs: number): Promise<void> {
    if (this.config.threadRetentionMs > 0) await this.#expired.run(nowMs);
    if (this.config.dataLimitBytes > 0) await this.#aboveLimit.run(nowMs);
  }

  async #listAboveLimit(nowMs: number): Promise<readonly Thread[]> {
    const bytesById = await this.gateway.diskBytesByThread();
    return chooseAboveLimit(
      await this.threads.listUnused(nowMs + 1, MAX_CANDIDATES),
      bytesById,
      this.config.dataLimitBytes,
    );
  }

  async #remove(thread: Thread, nowMs: number, before: number, reason: 'unused' | 'data limit'): Promise<void> {
    const bytes = await this.gateway.diskBytes(thread.id);
    if (!(await this.control.removeUnused(thread, before))) return;
    const unusedDays = Math.floor((nowMs - thread.updatedAt) / 86_400_000);
    this.logger.log({ threadId: thread.id, reason, unusedDays, bytes }, 'removed a thread');
  }
}
