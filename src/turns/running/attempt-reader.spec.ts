import { concat, finalize, map, NEVER, type Observable, of, throwError, timer, type Unsubscribable } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { eventually } from '../../../test/support/eventually.js';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { AttemptReader } from './attempt-reader.js';
import type { TurnEnd } from './turn-outcome.js';

type Events = readonly HarnessEvent[];

const TEXT: Events = [{ type: 'text-delta', id: 'a', text: 'hi' }];
const END = { type: 'turn-end', reason: 'end_turn' } as const;
const NOT_STARTED: TurnEnd = { type: 'turn-failed', kind: 'internal', message: 'The agent could not be started.' };
const DIED = expect.objectContaining({ type: 'turn-failed', kind: 'process_died' }) as TurnEnd;

/** Reads an attempt to its end. */
async function read(events$: Observable<Events>, onIngest: (reader: Unsubscribable) => void = () => undefined) {
  const ingested: Events[] = [];
  const end = await new Promise<TurnEnd>((resolve) => {
    const ingest = (events: Events): TurnEnd | undefined => {
      ingested.push(events);
      onIngest(reader);
      return events.find((event) => event.type === 'turn-end');
    };
    const reader = new AttemptReader({ ingest, failedStart: () => NOT_STARTED }, resolve);
    reader.read(events$);
  });
  return { end, ingested };
}

describe('The end of an attempt', () => {
  it('is what the agent has emitted', async () => {
    expect(await read(of(TEXT, [END]))).toEqual({ end: END, ingested: [TEXT, [END]] });
  });

  it('is a death of the process where the agent has emitted none', async () => {
    expect((await read(of(TEXT))).end).toEqual(DIED);
  });

  it('is a failed start where the harness could not be run', async () => {
    expect((await read(throwError(() => new Error('no such agent')))).end).toEqual(NOT_STARTED);
  });

  it('is a failed start where its events could not be taken, and no more are read', async () => {
    const refuse = (): never => {
      throw new Error('refused');
    };
    expect(await read(of(TEXT, [END]), refuse)).toEqual({ end: NOT_STARTED, ingested: [TEXT] });
  });

  it('comes at once when the harness is unsubscribed, and no more events are read', async () => {
    const handOff = (reader: Unsubscribable): void => reader.unsubscribe();
    expect(await read(concat(of(TEXT, [END]), NEVER), handOff)).toEqual({ end: DIED, ingested: [TEXT] });
  });

  const later$ = timer(1).pipe(map(() => TEXT));

  it.each([
    ['in its first moment', of(TEXT, TEXT)],
    ['later', concat(of(TEXT), later$)],
  ])('leaves no harness that runs, when that is unsubscribed %s', async (_when, events$) => {
    let hasLeft = false;
    let calls = 0;
    await read(concat(events$, NEVER).pipe(finalize(() => (hasLeft = true))), (reader) => {
      calls += 1;
      if (calls === 2) reader.unsubscribe();
    });
    await eventually(() => hasLeft).toBe(true);
  });
});
