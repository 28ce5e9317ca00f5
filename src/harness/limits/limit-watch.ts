import { Logger } from '@nestjs/common';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { Sandbox, ThreadUsage } from '../../sandbox/sandbox.js';
import { computeDiskLimit, describeMemoryBreach, findBreach, type TurnLimits, type TurnUsage } from './find-breach.js';
import { LimitClock, type Looked } from './limit-clock.js';

/** Every how many looks the files are measured, too. */
const LOOKS_PER_DISK = 30;

/** Limits that the watch knows of. */
export interface WatchLimits extends TurnLimits {
  /** Held by the system; the watch only says that it was the reason. */
  readonly memoryBytes: number;
}

/** Hears of the limits of a turn. */
export interface LimitListener {
  /** The turn uses more than it may: its process must be stopped. In a sentence for the caller; at most once. */
  exceeded(breach: string): void;
  /** The server cannot look at the turn any more. */
  error(reason: unknown): void;
}

const logger = new Logger('LimitWatch');
const NO_DISK = Promise.resolve(0);

/** Watches the running turns of this server. */
export class LimitWatches {
  readonly clock = new LimitClock();

  constructor(
    readonly sandbox: Sandbox,
    readonly limits: WatchLimits,
  ) {}

  /** Begins to watch a turn of a thread: measures what the thread has used before, and then looks about once a second. */
  begin(threadId: string, listener: LimitListener): LimitWatch {
    const watch = new LimitWatch(this, threadId, listener);
    this.clock.add(watch);
    return watch;
  }
}

/** Watches one turn of a thread. */
export class LimitWatch implements Looked {
  readonly #usageAtStart: Promise<ThreadUsage>;
  readonly #diskAtStart: Promise<number>;
  #looks = 0;
  #isLooking = false;
  #isStopped = false;

  /** Use {@link LimitWatches.begin}. */
  constructor(
    private readonly watches: LimitWatches,
    private readonly threadId: string,
    private readonly listener: LimitListener,
  ) {
    const { sandbox, limits } = watches;
    this.#usageAtStart = sandbox.usage(threadId, limits.cpuMs > 0);
    this.#diskAtStart = limits.diskBytes > 0 ? this.#measureDisk() : NO_DISK;
  }

  /** Looks at what the turn has used by now, unless the look before is not done. */
  look(): void {
    this.#looks += 1;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#compare(this.#looks % LOOKS_PER_DISK === 0).then(
      (breach) => {
        this.#isLooking = false;
        if (breach === undefined || this.#isStopped) return;
        this.stop();
        this.listener.exceeded(breach);
      },
      (error: unknown) => this.listener.error(error),
    );
  }

  /** Looks no more. Idempotent. */
  stop(): void {
    this.#isStopped = true;
    this.watches.clock.remove(this);
  }

  /** The limit for which a turn with this end has ended or has to end as failed, in a sentence for the caller; `undefined` if the end stands. */
  async explainEnd(end: HarnessEvent): Promise<string | undefined> {
    if (end.type === 'turn-failed' && end.kind === 'process_died') {
      const used = await this.watches.sandbox.usage(this.threadId, false);
      const isForMemory = used.memoryKills > (await this.#usageAtStart).memoryKills;
      if (isForMemory) return this.#log(describeMemoryBreach(this.watches.limits.memoryBytes));
    }
    return end.type === 'turn-end' && end.reason !== 'interrupted' ? this.#compare(true) : undefined;
  }

  async #compare(measuresDisk: boolean): Promise<string | undefined> {
    const { sandbox, limits } = this.watches;
    const [before, now] = [await this.#usageAtStart, await sandbox.usage(this.threadId, limits.cpuMs > 0)];
    const used: TurnUsage = {
      outputBytes: now.outputBytes - before.outputBytes,
      cpuMs: now.cpuMs - before.cpuMs,
      ...(measuresDisk && limits.diskBytes > 0 ? { disk: await this.#compareDisk() } : {}),
    };
    const breach = findBreach(used, limits);
    return breach === undefined ? undefined : this.#log(breach);
  }

  async #compareDisk(): Promise<{ readonly bytes: number; readonly bytesAtStart: number }> {
    const bytesAtStart = await this.#diskAtStart;
    return {
      bytes: await this.#measureDisk(computeDiskLimit(bytesAtStart, this.watches.limits.diskBytes)),
      bytesAtStart,
    };
  }

  /** Counts nothing if the system fails: a turn is not to fail because the server cannot look. */
  async #measureDisk(enoughBytes?: number): Promise<number> {
    try {
      return await this.watches.sandbox.diskBytes(this.threadId, enoughBytes);
    } catch (error) {
      logger.error({ threadId: this.threadId, err: error }, 'failed to measure the files of a thread');
      return 0;
    }
  }

  #log(breach: string): string {
    logger.warn({ threadId: this.threadId, breach }, 'stopped an agent at a limit');
    return breach;
  }
}
