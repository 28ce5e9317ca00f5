import { Injectable } from '@nestjs/common';
import { NEVER, Observable, type OperatorFunction } from 'rxjs';
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
    // One subscriber instead of a chain of operators: each operator costs about a kilobyte per open stream and a few calls per event.
    return (batches$) =>
      new Observable((subscriber) => {
        let state = initialState(options);
        const error = (reason: unknown): void => subscriber.error(reason);
        const apply = (transition: Transition): void => {
          try {
            const [next, events] = transition(state);
            state = next;
            if (events.length > 0) subscriber.next(events);
          } catch (reason) {
            error(reason);
          }
        };
        const source = batches$.subscribe({
          next: (events) => apply((current) => translateEvents(current, events)),
          error,
          complete: () => {
            apply(endOfEvents);
            subscriber.complete();
          },
        });
        subscriber.add(source);
        if (!subscriber.closed)
          subscriber.add(signals$.subscribe({ next: (signal) => apply(toTransition(signal)), error }));
      });
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
