import { Injectable } from '@nestjs/common';
import { NEVER, endWith, filter, map, merge, scan, takeWhile, type Observable, type OperatorFunction } from 'rxjs';
import type { HarnessEvent } from '../harness/harness-event.js';
import type { StreamEvent } from './stream-event.js';
import { begin, finish, keepAlive, start, stepAll, type State, type Step, type TranslateOptions } from './translate.js';

/** What a timer outside may ask of a stream: its `message_start` now, or an empty delta. */
export type TranslatorSignal = 'begin' | 'keep-alive';

type Move = (state: State) => Step;

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
    const seed: Step = [start(options), []];
    return (batches$) =>
      merge(
        batches$.pipe(
          map(
            (events): Move =>
              (state) =>
                stepAll(state, events),
          ),
          endWith<Move>(finish),
        ),
        signals$.pipe(map(moveOf)),
      ).pipe(
        // `finish` is only ever the source's last move; stopping at it lets go of the signals, which may never complete.
        takeWhile((move) => move !== finish, true),
        scan(([state], move) => move(state), seed),
        map(([, streamEvents]) => streamEvents),
        filter((streamEvents) => streamEvents.length > 0),
      );
  }
}

function moveOf(signal: TranslatorSignal): Move {
  switch (signal) {
    case 'begin':
      return begin;
    case 'keep-alive':
      return keepAlive;
    default: {
      const unreachable: never = signal;
      return unreachable;
    }
  }
}
