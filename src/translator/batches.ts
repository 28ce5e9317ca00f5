import { defer, filter, map, type MonoTypeOperatorFunction } from 'rxjs';
import type { StreamEvent } from './stream-event.js';

/** What is made of each batch of a stream, one after the other. */
export type ReadBatch = (events: readonly StreamEvent[]) => readonly StreamEvent[];

/**
 * An operator that changes a stream batch by batch. `begin` is called for each subscription, and what it gives may remember
 * earlier batches. A batch of which nothing is left is not emitted.
 *
 * Completes and errors as its source does, and errors when the reading throws; unsubscribing unsubscribes the source.
 */
export function mapBatches(begin: () => ReadBatch): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  return (source$) =>
    defer(() =>
      source$.pipe(
        map(begin()),
        filter((events) => events.length > 0),
      ),
    );
}

/** A reading that goes from state to state, event by event. */
export function reading<State>(
  start: State,
  read: (state: State, event: StreamEvent) => readonly [State, readonly StreamEvent[]],
): ReadBatch {
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
