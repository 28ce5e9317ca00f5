import { describe, expect, it } from 'vitest';
import type { TurnSummary } from '../../storage/stores/turn.js';
import { aTurn } from '../../../test/support/stored.js';
import { initialWireUsage } from '../../anthropic/usage.js';
import { messageStart } from '../../anthropic/stream-parts.js';
import type { Turn, TurnState } from '../../storage/stores/turn.js';
import { type ClassifiedRequest, isRetryOf, rankRetried } from './classify.js';

const turn = (state: TurnState, more: Partial<Turn> = {}): TurnSummary => {
  const whole = aTurn({ state, prompt: [], requestKey: 'same', ...more });
  return { ...whole, hasMessage: whole.message !== undefined };
};

const NOW = 1_000_000;
const START = messageStart('msg_1', 'm', initialWireUsage(null));
const message = START.type === 'message_start' ? { message: START.message } : {};

describe('a request is a retry of a turn', () => {
  const bare = { requestKey: 'same', hasHistory: false };
  const telling = { requestKey: 'same', hasHistory: true };

  it('never with another key', () => {
    for (const state of ['queued', 'running', 'completed', 'failed', 'cancelled'] as const)
      expect(isRetryOf({ ...telling, requestKey: 'other' }, turn(state), NOW)).toBe(false);
  });

  it('always while the turn waits or runs', () => {
    for (const state of ['queued', 'running'] as const)
      expect([bare, telling].map((request) => isRetryOf(request, turn(state), NOW))).toEqual([true, true]);
  });

  it('after its completion, when the history shows that nothing came later', () => {
    expect(isRetryOf(telling, turn('completed', { deliveredAt: 5 }), NOW)).toBe(true);
    expect(isRetryOf(telling, turn('completed'), NOW)).toBe(true);
  });

  it('without a history only while nobody has its answer', () => {
    expect(isRetryOf(bare, turn('completed'), NOW)).toBe(true);
    expect(isRetryOf(bare, turn('completed', { deliveredAt: 5 }), NOW)).toBe(false);
  });

  it('after an interruption only when it has an answer that nobody read', () => {
    expect(isRetryOf(telling, turn('cancelled', message), NOW)).toBe(true);
    expect(isRetryOf(telling, turn('cancelled', { ...message, deliveredAt: 5 }), NOW)).toBe(false);
    expect(isRetryOf(telling, turn('cancelled'), NOW)).toBe(false);
  });

  it('not after a temporary failure, which is tried again', () => {
    const failure = { kind: 'overloaded', message: 'x' } as const;
    expect(isRetryOf(telling, turn('failed', { failure, endedAt: NOW }), NOW)).toBe(false);
  });

  it('for a minute after a permanent failure', () => {
    const failure = { kind: 'bad_request', message: 'x' } as const;
    expect(isRetryOf(bare, turn('failed', { failure, endedAt: NOW - 59_000 }), NOW)).toBe(true);
    expect(isRetryOf(bare, turn('failed', { failure, endedAt: NOW - 61_000 }), NOW)).toBe(false);
  });
});

const REQUEST: ClassifiedRequest = {
  prompt: [],
  requestKey: 'new',
  hasHistory: false,
  attempt: 'unknown',
  continuesFrom: undefined,
  idempotencyKey: undefined,
  interrupts: false,
  isFreshThread: false,
  isSideRequest: false,
  model: 'demo',
  outputSchema: undefined,
};
describe('the turns that an unnamed request may be a retry of', () => {
  const one = turn('running', { id: 'one', requestKey: 'new' });
  const two = turn('running', { id: 'two', requestKey: 'new' });
  const callers = (id: string) => (id === 'one' ? 1 : 0);
  const ids = (request: Partial<ClassifiedRequest>, turns = [one, two]) =>
    rankRetried({ ...REQUEST, ...request }, turns, callers, NOW).map(({ id }) => id);

  it('are the newest first', () => {
    expect(ids({})).toEqual(['one', 'two']);
  });

  it('are those without a caller first, for a request that says it is a retry', () => {
    expect(ids({ attempt: 'retry' })).toEqual(['two', 'one']);
  });

  it('are read answers only by an idempotency key', () => {
    const read = turn('completed', { id: 'read', requestKey: 'new', deliveredAt: 1 });
    expect(ids({}, [read])).toEqual([]);
    expect(ids({ idempotencyKey: 'k' }, [read])).toEqual(['read']);
  });
});
