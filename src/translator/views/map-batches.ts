import { type MonoTypeOperatorFunction, Observable } from 'rxjs';
import type { StreamEvent } from '../../anthropic/stream-event.js';

/** Maps the batches of a stream in order. */
export type BatchMapper = (events: readonly StreamEvent[]) => readonly StreamEvent[];

/**
 * An operator that maps a stream batch by batch. Calls `begin` once per subscription; the mapper that it returns may keep state.
 * Empty batches are not emitted.
 *
 * Completes and errors as its source does, and errors if the mapper throws; unsubscribing unsubscribes the source.
 */
export function mapBatches(begin: () => BatchMapper): MonoTypeOperatorFunction<readonly StreamEvent[]> {
  // One subscriber instead of `defer`, `map` and `filter`: each operator costs about a kilobyte per open stream.
  return (source$) =>
    new Observable((subscriber) => {
      const map = begin();
      const source = source$.subscribe({
        next: (events) => {
          try {
            const out = map(events);
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

/** Makes a mapper from a transition function that maps one event at a time. */
export function statefulMapper<State>(
  start: State,
  step: (state: State, event: StreamEvent) => readonly [State, readonly StreamEvent[]],
): BatchMapper {
  let state = start;
  return (events) => {
    const out: StreamEvent[] = [];
    for (const event of events) {
      const [next, shown] = step(state, event);
      state = next;
      for (const one of shown) out.push(one);
    }
    return out;
  };
}
