import type { Observable, Observer, Subscription, Unsubscribable } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import type { TurnEnd } from './turn-outcome.js';

const PROCESS_DIED: TurnEnd = {
  type: 'turn-failed',
  kind: 'process_died',
  message: 'The agent’s process exited during the turn.',
};

/** What takes the events of an attempt. */
interface Ingesting {
  /** Returns the end of the turn, if it is among the events. */
  ingest(events: readonly HarnessEvent[]): TurnEnd | undefined;
  /** What the turn ends with when the harness could not be run. */
  failedStart(error: unknown): TurnEnd;
}

/**
 * Reads what a harness emits in one attempt, and then resolves to the end of the turn. That the harness is unsubscribed ends the attempt, too.
 *
 * `takeUntil` and `lastValueFrom` would cost every running turn some kilobytes.
 */
export class AttemptReader implements Observer<readonly HarnessEvent[]>, Unsubscribable {
  #end = PROCESS_DIED;
  #reading: Subscription | undefined;
  #isClosed = false;

  constructor(
    private readonly turn: Ingesting,
    private readonly resolve: (end: TurnEnd) => void,
  ) {}

  /** Runs the harness; once. */
  read(events$: Observable<readonly HarnessEvent[]>): void {
    const reading = events$.subscribe(this);
    if (this.#isClosed) reading.unsubscribe();
    else this.#reading = reading;
  }

  next(events: readonly HarnessEvent[]): void {
    if (this.#isClosed) return;
    try {
      this.#end = this.turn.ingest(events) ?? this.#end;
    } catch (error) {
      this.error(error);
      this.unsubscribe();
    }
  }

  error(error: unknown): void {
    this.resolve(this.turn.failedStart(error));
  }

  complete(): void {
    this.resolve(this.#end);
  }

  /** Ends the attempt, and unsubscribes the harness. Idempotent. */
  unsubscribe(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.resolve(this.#end);
    this.#reading?.unsubscribe();
  }
}
