import { of, Subject, throwError } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import { mapBatches, statefulMapper } from './map-batches.js';
import type { StreamEvent } from '../../anthropic/stream-event.js';

const PING: StreamEvent = { type: 'ping' };
const STOP: StreamEvent = { type: 'message_stop' };

describe(mapBatches.name, () => {
  it('emits one batch per batch, and no empty batches', () => {
    const batches: (readonly StreamEvent[])[] = [];
    const withoutPings = mapBatches(() => (events) => events.filter((event) => event !== PING));
    of([PING], [PING, STOP])
      .pipe(withoutPings)
      .subscribe((events) => batches.push(events));
    expect(batches).toEqual([[STOP]]);
  });

  it('starts a new mapper for each subscription', () => {
    const everySecond = mapBatches(() =>
      statefulMapper(0, (count, event) => [count + 1, count % 2 === 0 ? [event] : []]),
    );
    const stream$ = of([PING, STOP, PING]).pipe(everySecond);
    for (const _ of [1, 2]) stream$.subscribe((events) => expect(events).toEqual([PING, PING]));
    expect.assertions(2);
  });

  it('errors when its source errors or its mapper throws', () => {
    const broken = new Error('broken');
    const error = vi.fn();
    throwError(() => broken)
      .pipe(mapBatches(() => (events) => events))
      .subscribe({ error });
    const throwing = mapBatches(() => () => {
      throw broken;
    });
    of([PING]).pipe(throwing).subscribe({ error });
    expect(error.mock.calls).toEqual([[broken], [broken]]);
  });

  it('unsubscribes from its source when its subscriber leaves', () => {
    const source$ = new Subject<readonly StreamEvent[]>();
    source$
      .pipe(mapBatches(() => (events) => events))
      .subscribe()
      .unsubscribe();
    expect(source$.observed).toBe(false);
  });
});
