import { Subject } from 'rxjs';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeResponse } from '../../test/support/fake-response.js';
import { KeepAliveClock } from './keep-alive-clock.js';
import { streamWhileConnected } from './stream-while-connected.js';

describe('a streamed answer', () => {
  let response: FakeResponse;
  let source: Subject<readonly string[]>;
  let ends: boolean[];
  let state: string;
  let begun: Promise<void>;

  beforeEach(() => {
    response = new FakeResponse();
    source = new Subject();
    ends = [];
    state = 'waits';
    const writer = {
      tick: () => undefined,
      write: (events: readonly string[]) => {
        if (events.includes('refused')) throw new Error('refused');
        if (!response.headersSent) response.writeHead(200, {});
        response.write(events.join(''));
      },
    };
    begun = streamWhileConnected(source, response.asResponse, new KeepAliveClock(), writer, (isWhole) =>
      ends.push(isWhole),
    ).then(
      () => void (state = 'begun'),
      (error: unknown) => void (state = String(error)),
    );
  });

  it('frees who asked for it as soon as its head is sent, and goes on to its end', async () => {
    await Promise.resolve();
    expect(state).toBe('waits');
    source.next(['a']);
    await begun;
    expect([state, ends]).toEqual(['begun', []]);
    source.next(['b', 'c']);
    source.complete();
    expect(response.writes).toEqual(['a', 'bc']);
    expect(ends).toEqual([true]);
    response.destroy();
    expect(ends).toEqual([true]);
  });

  it('that fails before its head is sent can still be refused', async () => {
    source.next(['refused']);
    await begun;
    expect(state).toBe('Error: refused');
    expect(ends).toEqual([false]);
    expect(response.destroyed).toBe(false);
  });

  it('that fails later is cut off, which shows that it is incomplete', async () => {
    source.next(['a']);
    await begun;
    source.error(new Error('lost'));
    expect([state, ends, response.destroyed]).toEqual(['begun', [false], true]);
  });

  it('ends with its caller', async () => {
    response.destroy();
    await begun;
    expect([state, ends, source.observed]).toEqual(['begun', [false], false]);
  });

  it('is not begun for a caller that has left already', async () => {
    response.destroyed = true;
    const left: boolean[] = [];
    const writer = { tick: () => undefined, write: () => undefined };
    await streamWhileConnected(source, response.asResponse, new KeepAliveClock(), writer, (isWhole) =>
      left.push(isWhole),
    );
    expect(left).toEqual([false]);
  });
});
