import type { Observer, Subscriber, Subscription, Unsubscribable } from 'rxjs';
import { type HarnessEvent, isTurnEnd } from '../domain/harness-event.js';
import type { Harness } from './harness.js';
import type { GatewayThread, GatewayTurn } from './harness.gateway.js';
import type { LimitListener, LimitWatch, LimitWatches } from './limits/limit-watch.js';
import { noticeOfLostFiles, type RestoredFiles, withEarlierTurns } from './restored-files.js';
import { limitExceeded } from './turn-failures.js';
import { ClaimedTokens } from './turn-tokens.js';
import type { WarmProcess } from './warm/warm-processes.js';

type Events = readonly HarnessEvent[];

/** A turn whose process is ready. */
export interface PreparedTurn {
  readonly warm: WarmProcess;
  /** What the files of the process lack; absent for files that were there. */
  readonly restored?: RestoredFiles;
  /** The turn, with its files where the agent finds them. */
  readonly turn: GatewayTurn;
}

/** What a turn has its gateway do. The same for all turns. */
export interface ProcessTurnHost {
  readonly watches: LimitWatches;
  /**
   * Makes the process of the turn ready.
   *
   * @param reader closed when nobody waits for the turn any more
   */
  prepare(
    thread: GatewayThread,
    harness: Harness,
    turn: GatewayTurn,
    reader: Pick<Subscription, 'closed'>,
  ): Promise<PreparedTurn>;
  /** Called before the process gets the turn. */
  begin(thread: GatewayThread, turn: GatewayTurn, warm: WarmProcess): void;
  /** The last events of the turn, with the tokens that it is billed with. */
  count(thread: GatewayThread, turn: GatewayTurn, claimed: ClaimedTokens, last: Events): Promise<Events>;
  /** What the turn ends with if it cannot be prepared for this reason; `undefined` for a reason that is an error. */
  explain(thread: GatewayThread, turn: GatewayTurn, reason: unknown): Events | undefined;
  /**
   * Called when the turn is over or abandoned.
   *
   * @param isStopped its process must not get another turn
   * @param last its last events; `undefined` if it has not got that far
   */
  release(thread: GatewayThread, warm: WarmProcess, isStopped: boolean, last: Events | undefined): void;
}

/**
 * One turn on a process: makes that ready, hands on what it emits, and watches what it uses. The first event that ends the turn is the last; a turn
 * that was above a limit by then fails.
 *
 * One subscriber instead of a chain of operators: each operator costs about a kilobyte per running turn.
 */
export class ProcessTurn implements Observer<Events>, LimitListener, Unsubscribable {
  #running: Subscription | undefined;
  #warm: WarmProcess | undefined;
  #watch: LimitWatch | undefined;
  #last: Events | undefined;
  /** Nothing counts after the end. */
  #isEnding = false;
  /** Whether a limit was the reason of the end. */
  #isStopped = false;
  readonly #claimed = new ClaimedTokens();

  constructor(
    private readonly host: ProcessTurnHost,
    private readonly thread: GatewayThread,
    private readonly harness: Harness,
    private readonly turn: GatewayTurn,
    private readonly subscriber: Subscriber<Events>,
  ) {}

  start(): void {
    this.host
      .prepare(this.thread, this.harness, this.turn, this.subscriber)
      .then((prepared) => this.#begin(prepared))
      .catch((reason: unknown) => this.#refuse(reason));
  }

  next(events: Events): void {
    if (this.#isEnding) return;
    if (events.some(isTurnEnd)) this.#end(this.#check(events));
    else this.#emit(events);
  }

  error(reason: unknown): void {
    this.subscriber.error(reason);
  }

  /** A harness that ends without saying so must not be waited for. */
  complete(): void {
    if (!this.#isEnding) this.subscriber.complete();
  }

  exceeded(breach: string): void {
    if (this.#isEnding) return;
    this.#isStopped = true;
    this.#end(Promise.resolve([limitExceeded(breach)]));
  }

  /** Abandons the turn, if it is not over, and gives the process back. */
  unsubscribe(): void {
    this.#watch?.stop();
    // During the preparation, or in the middle of the first events: `#begin` goes on from there.
    if (this.#running === undefined || this.#warm === undefined) return;
    this.#running.unsubscribe();
    this.host.release(this.thread, this.#warm, this.#isStopped, this.#last);
    this.#warm = undefined;
  }

  #begin({ warm, restored, turn }: PreparedTurn): void {
    const { host, thread, subscriber } = this;
    if (subscriber.closed) {
      // Abandoned just now: a process that has not heard of the turn is of no use to it.
      host.release(thread, warm, true, undefined);
      return;
    }
    this.#warm = warm;
    host.begin(thread, this.turn, warm);
    this.#watch = host.watches.begin(thread.id, this);
    const notice = noticeOfLostFiles(restored);
    if (notice !== undefined) this.#emit(notice);
    this.#running = warm.session.run(withEarlierTurns(turn, restored)).subscribe(this);
    if (subscriber.closed) this.unsubscribe();
  }

  #refuse(reason: unknown): void {
    if (this.subscriber.closed) return;
    const end = this.host.explain(this.thread, this.turn, reason);
    if (end === undefined) this.subscriber.error(reason);
    else {
      this.subscriber.next(end);
      this.subscriber.complete();
    }
  }

  #emit(events: Events): void {
    this.#claimed.add(events);
    this.subscriber.next(events);
  }

  #end(last: Promise<Events>): void {
    this.#isEnding = true;
    this.#watch?.stop();
    last.then((events) => this.#finish(events)).catch((reason: unknown) => this.subscriber.error(reason));
  }

  /** Replaces the end of a turn that was above a limit. */
  async #check(events: Events): Promise<Events> {
    const end = events.at(-1);
    const breach = end === undefined ? undefined : await this.#watch?.explainEnd(end);
    if (breach === undefined) return events;
    this.#isStopped = true;
    return [...events.slice(0, -1), limitExceeded(breach)];
  }

  async #finish(events: Events): Promise<void> {
    if (this.subscriber.closed) return;
    this.#last = events;
    this.#running?.unsubscribe();
    this.#claimed.add(events);
    this.subscriber.next(await this.host.count(this.thread, this.turn, this.#claimed, events));
    this.subscriber.complete();
  }
}
