import { Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';
import type { Sandbox, ThreadUsage } from '../../sandbox/sandbox.js';
import { computeDiskLimit, describeMemoryBreach, findBreach, type TurnLimits, type TurnUsage } from './find-breach.js';

/** How often output and processor time are looked at. */
const INTERVAL_MS = 1000;
/** Every how many looks the files are measured, too. */
const LOOKS_PER_DISK = 30;

/** Limits that the watch knows of. */
export interface WatchLimits extends TurnLimits {
  /** Held by the system; the watch only says that it was the reason. */
  readonly memoryBytes: number;
}

type Events = readonly HarnessEvent[];

/** Watches one turn of a thread, and ends it with a failure when it uses more than it may. */
export class LimitWatch {
  private readonly logger = new Logger(LimitWatch.name);
  readonly #usageAtStart: Promise<ThreadUsage>;
  readonly #diskAtStart: Promise<number>;

  /** Measures what the thread has used before the turn. */
  constructor(
    private readonly sandbox: Sandbox,
    private readonly threadId: string,
    private readonly limits: WatchLimits,
  ) {
    this.#usageAtStart = sandbox.usage(threadId, limits.cpuMs > 0);
    this.#diskAtStart = limits.diskBytes > 0 ? this.#measureDisk() : Promise.resolve(0);
  }

  /**
   * The events of the turn. Completes after the first event that ends it: the harness's own, or a failure at a limit, after which the
   * harness is unsubscribed. A turn that was above a limit when it ended by itself fails, too.
   *
   * @param onStop called before the failure of a turn above a limit; its process must be stopped
   */
  guard(events$: Observable<Events>, onStop: () => void): Observable<Events> {
    // One subscriber instead of a chain of operators: each operator costs about a kilobyte per running turn.
    return new Observable((subscriber) => {
      const fail = (reason: unknown): void => subscriber.error(reason);
      const emit = (events: Events): void => {
        subscriber.next(events);
        if (events.some(isTurnEnd)) subscriber.complete();
      };
      const stopLooking = this.#lookRegularly((breach) => {
        onStop();
        emit([toFailure(breach)]);
      }, fail);
      // Before the events: they may end while they are subscribed to.
      subscriber.add(stopLooking);
      let isEnding = false;
      const source = events$.subscribe({
        next: (events) => {
          // Nothing counts after the end.
          if (isEnding) return;
          isEnding = events.some(isTurnEnd);
          if (isEnding) this.#checkEnd(events, onStop).then(emit, fail);
          else emit(events);
        },
        error: fail,
        // A harness that ends without saying so must not be waited for.
        complete: () => {
          if (!isEnding) subscriber.complete();
        },
      });
      subscriber.add(source);
    });
  }

  /** Looks about once a second until it is stopped, at most once at a time. Returns how to stop it. */
  #lookRegularly(onBreach: (breach: string) => void, onError: (reason: unknown) => void): () => void {
    let looks = 0;
    let isLooking = false;
    let isStopped = false;
    const look = async (measuresDisk: boolean): Promise<void> => {
      isLooking = true;
      const breach = await this.#look(measuresDisk);
      isLooking = false;
      if (breach !== undefined && !isStopped) onBreach(breach);
    };
    const timer = setInterval(() => {
      looks += 1;
      if (!isLooking) look(looks % LOOKS_PER_DISK === 0).catch(onError);
    }, INTERVAL_MS);
    return () => {
      isStopped = true;
      clearInterval(timer);
    };
  }

  async #checkEnd(events: Events, onStop: () => void): Promise<Events> {
    const end = events.at(-1);
    const breach = end === undefined ? undefined : await this.#explainEnd(end);
    if (breach === undefined) return events;
    onStop();
    return [...events.slice(0, -1), toFailure(breach)];
  }

  /** The limit for which a turn ended or has to end as failed; `undefined` if the end stands. */
  async #explainEnd(end: HarnessEvent): Promise<string | undefined> {
    if (end.type === 'turn-failed' && end.kind === 'process_died') {
      const used = await this.sandbox.usage(this.threadId, false);
      const isForMemory = used.memoryKills > (await this.#usageAtStart).memoryKills;
      if (isForMemory) return this.#log(describeMemoryBreach(this.limits.memoryBytes));
    }
    return end.type === 'turn-end' && end.reason !== 'interrupted' ? this.#look(true) : undefined;
  }

  async #look(measuresDisk: boolean): Promise<string | undefined> {
    const [before, now] = [await this.#usageAtStart, await this.sandbox.usage(this.threadId, this.limits.cpuMs > 0)];
    const used: TurnUsage = {
      outputBytes: now.outputBytes - before.outputBytes,
      cpuMs: now.cpuMs - before.cpuMs,
      ...(measuresDisk && this.limits.diskBytes > 0 ? { disk: await this.#compareDisk() } : {}),
    };
    const breach = findBreach(used, this.limits);
    return breach === undefined ? undefined : this.#log(breach);
  }

  async #compareDisk(): Promise<{ readonly bytes: number; readonly bytesAtStart: number }> {
    const bytesAtStart = await this.#diskAtStart;
    return { bytes: await this.#measureDisk(computeDiskLimit(bytesAtStart, this.limits.diskBytes)), bytesAtStart };
  }

  /** Counts nothing if the system fails: a turn is not to fail because the server cannot look. */
  async #measureDisk(enoughBytes?: number): Promise<number> {
    try {
      return await this.sandbox.diskBytes(this.threadId, enoughBytes);
    } catch (error) {
      this.logger.error({ threadId: this.threadId, err: error }, 'failed to measure the files of a thread');
      return 0;
    }
  }

  #log(breach: string): string {
    this.logger.warn({ threadId: this.threadId, breach }, 'stopped an agent at a limit');
    return breach;
  }
}

function toFailure(message: string): HarnessEvent {
  return { type: 'turn-failed', kind: 'limit_exceeded', message };
}
