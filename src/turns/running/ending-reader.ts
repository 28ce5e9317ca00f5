import type { Observable, Observer, Subscriber } from 'rxjs';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';

/** Makes the end of a log without one: it was handed off to the next server, or the turn never started. */
interface EndMaker {
  ending(turnId: string): Observable<readonly HarnessEvent[]>;
}

/**
 * Hands on the events of a turn's log, and makes the end where the log has none.
 *
 * One subscriber instead of a chain of operators: each operator costs about half a kilobyte per open stream.
 */
export class EndingReader implements Observer<readonly HarnessEvent[]> {
  #hasEnded = false;

  constructor(
    private readonly subscriber: Subscriber<readonly HarnessEvent[]>,
    private readonly ends: EndMaker,
    private readonly turnId: string,
  ) {}

  next(events: readonly HarnessEvent[]): void {
    this.#hasEnded ||= events.some(isTurnEnd);
    this.subscriber.next(events);
  }

  error(reason: unknown): void {
    this.subscriber.error(reason);
  }

  complete(): void {
    if (this.#hasEnded) this.subscriber.complete();
    else this.ends.ending(this.turnId).subscribe(this.subscriber);
  }
}
