import { Subscription, type Subscriber } from 'rxjs';
import type { LiveReader, LiveTurn } from './live-turn.js';
import { type Backpressure, type LogReaderSource, MAX_BATCH_EVENTS } from './log-reader.js';
import type { FeedMessage } from './mirrors.js';

/** Tells another node of a turn that runs here: its attempt, all its events, and its end. */
export class TurnFeed implements LiveReader {
  #position = 0;
  #attempt = 0;
  #turn: LiveTurn | undefined;
  #flow: Subscription | undefined;
  #unwatch: (() => void) | undefined;
  #isClosed = false;

  constructor(
    private readonly source: Pick<LogReaderSource, 'live' | 'watch' | 'schedule' | 'onDetach'>,
    private readonly turnId: string,
    private readonly subscriber: Subscriber<FeedMessage>,
    private readonly flow: Backpressure,
  ) {}

  /** Opens the turn, or waits for it; once. */
  start(): void {
    if (this.#attach()) return;
    this.#unwatch = this.source.watch.watch(this.turnId, 0, () => {
      this.#unwatch?.();
      this.#unwatch = undefined;
      if (!this.#isClosed && !this.#attach()) this.subscriber.complete();
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#unwatch?.();
    this.#flow?.unsubscribe();
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    turn.readers.delete(this);
    this.source.onDetach(turn);
  }

  advance(): void {
    const turn = this.#turn;
    if (turn === undefined || this.#isClosed || this.#waitsForFlow()) return;
    if (turn.attempt !== this.#attempt && this.#position === turn.startAfter(this.#attempt)) {
      this.#attempt = turn.attempt;
      this.subscriber.next({ kind: 'attempt', start: { attempt: turn.attempt, index: this.#position } });
    }
    // An attempt is told before its first event.
    const until = Math.min(this.#position + MAX_BATCH_EVENTS, turn.startAfter(this.#attempt), turn.events.length);
    const events = turn.events.slice(this.#position, until);
    this.#position = until;
    if (events.length > 0) this.subscriber.next({ kind: 'events', events });
    if (this.#isClosed) return;
    if (this.#position < turn.events.length) this.source.schedule(this);
    else if (turn.end !== undefined) {
      this.subscriber.next({ kind: 'end', end: turn.end.kind });
      this.subscriber.complete();
    }
  }

  /** False when the turn does not run here. */
  #attach(): boolean {
    const turn = this.source.live(this.turnId);
    if (turn === undefined) return false;
    this.#turn = turn;
    this.#attempt = turn.attempt;
    turn.readers.add(this);
    const { attempt, starts } = turn;
    this.subscriber.next({ kind: 'open', attempt, starts, count: turn.events.length });
    this.advance();
    return true;
  }

  #waitsForFlow(): boolean {
    if (this.flow.isReady()) return false;
    if (this.#flow === undefined) {
      const subscription = new Subscription();
      this.#flow = subscription;
      subscription.add(
        this.flow.resumed$.subscribe(() => {
          if (!this.flow.isReady()) return;
          this.#flow?.unsubscribe();
          this.#flow = undefined;
          this.advance();
        }),
      );
    }
    return true;
  }
}
