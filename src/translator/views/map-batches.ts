import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import type { StreamEvent } from '../../anthropic/stream-event.js';

/** What is made of each batch of a stream, one after the other. */
export type BatchMapper = (events: readonly StreamEvent[]) => readonly StreamEvent[];

/**
 * An operator that changes a stream batch by batch. `begin` is called for each subscription, and what it gives may remember
 * earlier batches. A batch of which nothing is left is not emitted.
 *
 * Completes and errors as its source does, and errors when the reading throws; unsubscribing unsubscribes the source.
 */
export function mapBatches(begin: () => BatchMapper): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  // One subscriber of our own instead of `defer`, `map` and `filter`: each costs every open stream about a kilobyte.
  return (source$) =>
    new Observable((subscriber) => {
      const read = begin();
      const source = source$.subscribe({
        next: (events) => {
          try {
            const out = read(events);
            if (out.length > 0) subscriber.next(out);
          } catch (reason) {
            subscriber.error(reason);
          }
        },
        error: (reason: unknown) => subscriber.error(reason),
        complete: () => subscriber.complete(),
      });
      subscriber.add(source);
    });
}

/** A reading that goes from state to state, event by event. */
export function statefulMapper<State>(
  start: State,
  read: (state: State, event: StreamEvent) => readonly [State, readonly StreamEvent[]],
): BatchMapper {
  let state = start;
  return (events) => {
    const out: StreamEvent[] = [];
    for (const event of events) {
      const [next, shown] = read(state, event);
      state = next;
      for (const one of shown) out.push(one);
    }
    return out;
  };
}
