import { Injectable } from '@nestjs/common';
import { NEVER, Observable, type Observer, type OperatorFunction, type Subscriber } from 'rxjs';
import type { HarnessEvent } from '../domain/harness-event.js';
import type { StreamEvent } from '../anthropic/stream-event.js';
import {
  forceStart,
  endOfEvents,
  keepAlive,
  initialState,
  translateEvents,
  type TranslatorState,
  type TranslatorStep,
  type TranslateOptions,
} from './translate.js';

/** What a timer can request of a stream: `message_start` now, or a keep-alive delta. */
export type TranslatorSignal = 'begin' | 'keep-alive';

type Transition = (state: TranslatorState) => TranslatorStep;

/** Translates harness events to Anthropic stream events, batch by batch. */
@Injectable()
export class TranslatorService {
  /**
   * An operator that emits one batch of stream events per batch of harness events or signal, and no empty batches. Subscriptions are
   * independent of each other.
   *
   * Completes when the source completes, whatever the signals do; if the turn has not ended by then, it first emits an `error` event.
   * Ignores events and signals after the turn's end. Errors when the source or the signals error. On completion, error and
   * unsubscribe, it unsubscribes from the source and the signals at once.
   */
  translate(
    options: TranslateOptions,
    signals$: Observable<TranslatorSignal> = NEVER,
  ): OperatorFunction<readonly HarnessEvent[], readonly StreamEvent[]> {
    return (batches$) =>
      new Observable((subscriber) => {
        const translation = new Translation(initialState(options), subscriber);
        subscriber.add(batches$.subscribe(translation));
        if (!subscriber.closed) subscriber.add(signals$.subscribe(new SignalReader(translation)));
      });
  }
}

/** One subscriber instead of a chain of operators: each operator costs about a kilobyte per open stream and a few calls per event. */
class Translation implements Observer<readonly HarnessEvent[]> {
  constructor(
    private state: TranslatorState,
    private readonly subscriber: Subscriber<readonly StreamEvent[]>,
  ) {}

  next(events: readonly HarnessEvent[]): void {
    this.apply((state) => translateEvents(state, events));
  }

  error(reason: unknown): void {
    this.subscriber.error(reason);
  }

  complete(): void {
    this.apply(endOfEvents);
    this.subscriber.complete();
  }

  apply(transition: Transition): void {
    try {
      const [next, events] = transition(this.state);
      this.state = next;
      if (events.length > 0) this.subscriber.next(events);
    } catch (reason) {
      this.error(reason);
    }
  }
}

/** Has the translation act on signals. Their end has no effect. */
class SignalReader implements Observer<TranslatorSignal> {
  constructor(private readonly translation: Translation) {}

  next(signal: TranslatorSignal): void {
    this.translation.apply(toTransition(signal));
  }

  error(reason: unknown): void {
    this.translation.error(reason);
  }

  complete(): void {
    // The events go on.
  }
}

function toTransition(signal: TranslatorSignal): Transition {
  switch (signal) {
    case 'begin':
      return forceStart;
    case 'keep-alive':
      return keepAlive;
    default: {
      const unreachable: never = signal;
      return unreachable;
    }
  }
}
