import { Observable, type Observer, type Subscriber, type Subscription, type Unsubscribable } from 'rxjs';
import { type HarnessEvent, isTurnEnd } from '../../domain/harness-event.js';
import { readPromptText } from '../../domain/prompt.js';
import type { FurtherMessage, HarnessTurn } from '../harness.js';
import * as answer from './answers.js';

type Events = readonly HarnessEvent[];

/**
 * Emits the events of one turn of the demo agent, in order: its opening, its work, which an interrupt ends, and its closing. What it says about
 * further messages comes beside its work.
 *
 * One subscriber instead of a chain of operators: each operator costs about a kilobyte per running turn.
 */
export class DemoTurn implements Observer<Events>, Unsubscribable {
  #work: Subscription | undefined;

  /** @param running the turns of the session whose work is not done; this one is in it until its own is */
  constructor(
    private readonly turn: HarnessTurn,
    private readonly subscriber: Subscriber<Events>,
    private readonly running: Set<DemoTurn>,
  ) {
    running.add(this);
  }

  /** Emits the opening, and then what the work emits; the closing follows when that has completed. */
  start(opening: Events, work$: Observable<Events>): void {
    this.next(opening);
    const resumed = answer.resumedMessages(this.turn.furtherMessages, this.turn.priorEvents);
    if (resumed.length > 0) this.next(resumed);
    // It was interrupted, or its reader has left, while the opening was emitted.
    if (!this.running.has(this)) return;
    const work = work$.subscribe(this);
    if (this.running.has(this)) this.#work = work;
    else work.unsubscribe();
  }

  next(events: Events): void {
    this.subscriber.next(events);
    if (events.some(isTurnEnd)) this.subscriber.complete();
  }

  error(reason: unknown): void {
    this.subscriber.error(reason);
  }

  complete(): void {
    this.#close(false);
  }

  /** Ends the work; the turn then ends as interrupted. */
  interrupt(): void {
    this.#close(true);
  }

  /** The agent repeats the message at once, beside what it does. */
  steer(message: FurtherMessage): void {
    this.next(answer.furtherMessage(message));
  }

  /** Ends the work without a word. */
  unsubscribe(): void {
    this.running.delete(this);
    this.#work?.unsubscribe();
  }

  #close(isInterrupted: boolean): void {
    if (!this.running.has(this)) return;
    this.unsubscribe();
    const text = readPromptText(this.turn.prompt);
    if (this.turn.outputSchema !== undefined) this.next(answer.jsonEvents(this.turn.outputSchema, text));
    this.next(answer.closingEvents(text, isInterrupted));
  }
}

/** Emits events once, after a time, and completes. Unsubscribing cancels them. */
export function emitLater(delayMs: number, makeEvents: () => Events): Observable<Events> {
  return new Observable((subscriber) => {
    const timer = setTimeout(emitAndComplete, delayMs, subscriber, makeEvents);
    return () => clearTimeout(timer);
  });
}

function emitAndComplete(subscriber: Subscriber<Events>, makeEvents: () => Events): void {
  subscriber.next(makeEvents());
  subscriber.complete();
}
