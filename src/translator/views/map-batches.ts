import { type MonoTypeOperatorFunction, Observable, type Observer, type Subscriber } from 'rxjs';
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
  return (source$) =>
    new Observable((subscriber) => {
      subscriber.add(source$.subscribe(new BatchMapping(begin(), subscriber)));
    });
}

/** One subscriber instead of `defer`, `map` and `filter`, and no function of its own: each takes some hundred bytes of every open stream. */
class BatchMapping implements Observer<readonly StreamEvent[]> {
  constructor(
    private readonly map: BatchMapper,
    private readonly subscriber: Subscriber<readonly StreamEvent[]>,
  ) {}

  next(events: readonly StreamEvent[]): void {
    try {
      const out = this.map(events);
      if (out.length > 0) this.subscriber.next(out);
    } catch (reason) {
      this.subscriber.error(reason);
    }
  }

  error(reason: unknown): void {
    this.subscriber.error(reason);
  }

  complete(): void {
    this.subscriber.complete();
  }
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
