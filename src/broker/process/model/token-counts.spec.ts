import { describe, expect, it } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import { ModelCall } from './model-call.js';
import { TokenCounts } from './token-counts.js';

/** What a call without a body may take at the most. */
const MOST = 128_000;

/** The provider tells so many tokens of output, and the call ends. */
function answer(call: ModelCall, outputTokens: number): void {
  const usage = { input_tokens: 1, output_tokens: outputTokens };
  call.answer(Buffer.from(JSON.stringify({ type: 'message', model: 'm', usage })), false);
  call.end(false);
}

function addAnswered(counts: TokenCounts, outputTokens: number): void {
  const call = new ModelCall('anthropic');
  counts.add('t', call);
  answer(call, outputTokens);
}

const outputOf = (counts: TokenCounts, turnId: string) => counts.take(turnId)?.map(({ outputTokens }) => outputTokens);

describe('The tokens that are asked between two turns', () => {
  it('are billed with the next turn, once, and count for the limit of the one before', () => {
    const counts = new TokenCounts();
    counts.begin('t', 'first', false);
    addAnswered(counts, 10);
    expect(outputOf(counts, 'first')).toEqual([10]);
    addAnswered(counts, 200);
    expect(counts.total('t')).toBe(212);
    counts.begin('t', 'second', false);
    expect(counts.total('t')).toBe(0);
    addAnswered(counts, 3000);
    expect(outputOf(counts, 'second')).toEqual([3200]);
    counts.begin('t', 'third', false);
    expect(outputOf(counts, 'third')).toEqual([]);
  });

  it('are billed with the next turn also where the call began in the turn before', () => {
    const counts = new TokenCounts();
    counts.begin('t', 'first', false);
    const call = new ModelCall('anthropic');
    counts.add('t', call);
    expect(outputOf(counts, 'first')).toEqual([]);
    counts.begin('t', 'second', false);
    answer(call, 7);
    expect(outputOf(counts, 'second')).toEqual([7]);
  });

  it('are billed with the next turn also where the thread was closed meanwhile', () => {
    const counts = new TokenCounts();
    counts.begin('t', 'first', false);
    counts.take('first');
    addAnswered(counts, 5);
    counts.close('t');
    counts.begin('t', 'second', false);
    expect(outputOf(counts, 'second')).toEqual([5]);
  });

  it('wait for a turn that the broker has seen from its start', () => {
    const counts = new TokenCounts();
    counts.begin('t', 'first', false);
    counts.take('first');
    addAnswered(counts, 5);
    counts.begin('t', 'second', true);
    addAnswered(counts, 50);
    expect(outputOf(counts, 'second')).toBeUndefined();
    counts.begin('t', 'third', false);
    expect(outputOf(counts, 'third')).toEqual([5]);
  });

  it('are not those of a turn that nobody asked about', () => {
    const counts = new TokenCounts();
    counts.begin('t', 'first', false);
    addAnswered(counts, 5);
    counts.begin('t', 'second', false);
    expect(outputOf(counts, 'second')).toEqual([]);
  });
});

describe('A call at the same time as others', () => {
  const admitTo = (counts: TokenCounts, limit: number, bytes = 0) => {
    const call = new ModelCall('anthropic', bytes);
    const state = { call, admitted: undefined as boolean | undefined };
    void counts.admit('t', call, limit).then((isAdmitted) => (state.admitted = isAdmitted));
    return state;
  };
  const start = () => {
    const counts = new TokenCounts();
    counts.begin('t', 'turn', false);
    return counts;
  };

  it('begins while all of them fit into the limit, whatever they take', async () => {
    const counts = start();
    const states = [1, 2, 3].map(() => admitTo(counts, 3 * MOST));
    await eventually(() => states.map(({ admitted }) => admitted)).toEqual([true, true, true]);
  });

  it('waits for another one where it may not fit, and begins once it does', async () => {
    const counts = start();
    const [first, second, third] = [1, 2, 3].map(() => admitTo(counts, 1.5 * MOST));
    await eventually(() => first?.admitted).toBe(true);
    expect([second?.admitted, third?.admitted]).toEqual([undefined, undefined]);
    if (first !== undefined) answer(first.call, 100);
    await eventually(() => second?.admitted).toBe(true);
    expect(third?.admitted).toBeUndefined();
    if (second !== undefined) answer(second.call, 100);
    await eventually(() => third?.admitted).toBe(true);
  });

  it('is refused once those before it have taken the limit, so that it is passed by one call at most', async () => {
    const counts = start();
    const states = Array.from({ length: 5 }, () => admitTo(counts, 1000));
    await eventually(() => states[0]?.admitted).toBe(true);
    if (states[0] !== undefined) answer(states[0].call, 2000);
    await eventually(() => states.map(({ admitted }) => admitted)).toEqual([true, false, false, false, false]);
    expect(counts.total('t')).toBe(2001);
  });

  it('counts with the length of its request, too', async () => {
    const counts = start();
    const first = admitTo(counts, 3 * MOST, 3 * MOST);
    const second = admitTo(counts, 3 * MOST);
    const third = admitTo(counts, 3 * MOST);
    await eventually(() => [first.admitted, second.admitted]).toEqual([true, true]);
    expect(third.admitted).toBeUndefined();
  });

  it('begins when it is the only one, also with a limit below what it may take', async () => {
    const first = admitTo(start(), 10);
    await eventually(() => first.admitted).toBe(true);
  });
});
