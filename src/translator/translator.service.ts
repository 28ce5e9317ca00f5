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

/** What a timer outside may ask of a stream: its `message_start` now, or an empty delta. */
export type TranslatorSignal = 'begin' | 'keep-alive';

type Move = (state: TranslatorState) => TranslatorStep;

/** Harness events to Anthropic stream events, batch by batch. */
@Injectable()
export class TranslatorService {
  /**
   * An operator around the pure `step`: one batch of stream events per batch of harness events or signal, none when there is
   * nothing to send. Subscriptions are independent of each other.
   *
   * Completes when the source of events completes, whatever the signals do, and sends an `error` event before if the turn has
   * not ended by then. Events and signals after the turn's end are ignored. Errors only when the source or the signals error.
   * On completion, error and unsubscribing alike, source and signals are unsubscribed at once.
   */
  translate(
    options: TranslateOptions,
    signals$: Observable<TranslatorSignal> = NEVER,
  ): OperatorFunction<readonly HarnessEvent[], readonly StreamEvent[]> {
    // One subscriber of our own instead of a chain of operators: each costs every open stream about a kilobyte, and every event
    // a few calls.
    return (batches$) =>
      new Observable((subscriber) => {
        let state = initialState(options);
        const error = (reason: unknown): void => subscriber.error(reason);
        const make = (move: Move): void => {
          try {
            const [next, events] = move(state);
            state = next;
            if (events.length > 0) subscriber.next(events);
          } catch (reason) {
            error(reason);
          }
        };
        const source = batches$.subscribe({
          next: (events) => make((current) => translateEvents(current, events)),
          error,
          complete: () => {
            make(endOfEvents);
            subscriber.complete();
          },
        });
        subscriber.add(source);
        if (!subscriber.closed) subscriber.add(signals$.subscribe({ next: (signal) => make(toMove(signal)), error }));
      });
  }
}

function toMove(signal: TranslatorSignal): Move {
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
