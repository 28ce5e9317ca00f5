import { describe, expect, it } from 'vitest';
import type { TurnSummary } from '../../storage/stores/turn.js';
import { aTurn } from '../../../test/support/stored.js';
import { initialWireUsage } from '../../anthropic/usage.js';
import { messageStart } from '../../anthropic/stream-parts.js';
import type { Turn, TurnState } from '../../storage/stores/turn.js';
import { isRetryOf } from './retry-match.js';

const turn = (state: TurnState, more: Partial<Turn> = {}): TurnSummary => {
  const whole = aTurn({ state, requestKey: 'same', ...more });
  return { ...whole, hasMessage: whole.message !== undefined };
};

const NOW = 1_000_000;
const START = messageStart('msg_1', 'm', initialWireUsage(null));
const message = START.type === 'message_start' ? { message: START.message } : {};

describe('a request means a turn', () => {
  const bare = { requestKey: 'same', hasHistory: false };
  const telling = { requestKey: 'same', hasHistory: true };

  it('never when it says something else', () => {
    for (const state of ['queued', 'running', 'completed', 'failed', 'cancelled'] as const)
      expect(isRetryOf({ ...telling, requestKey: 'other' }, turn(state), NOW)).toBe(false);
  });

  it('always while it waits or runs', () => {
    for (const state of ['queued', 'running'] as const)
      expect([bare, telling].map((request) => isRetryOf(request, turn(state), NOW))).toEqual([true, true]);
  });

  it('after its good end when the conversation shows that nothing came after it', () => {
    expect(isRetryOf(telling, turn('completed', { deliveredAt: 5 }), NOW)).toBe(true);
    expect(isRetryOf(telling, turn('completed'), NOW)).toBe(true);
  });

  it('without a history only when nobody has had its answer yet', () => {
    expect(isRetryOf(bare, turn('completed'), NOW)).toBe(true);
    expect(isRetryOf(bare, turn('completed', { deliveredAt: 5 }), NOW)).toBe(false);
  });

  it('that was interrupted only when there is something of it that nobody had', () => {
    expect(isRetryOf(telling, turn('cancelled', message), NOW)).toBe(true);
    expect(isRetryOf(telling, turn('cancelled', { ...message, deliveredAt: 5 }), NOW)).toBe(false);
    expect(isRetryOf(telling, turn('cancelled'), NOW)).toBe(false);
  });

  it('not after a failure that may pass: it is to be tried again', () => {
    const failure = { kind: 'overloaded', message: 'x' } as const;
    expect(isRetryOf(telling, turn('failed', { failure, endedAt: NOW }), NOW)).toBe(false);
  });

  it('for a minute after a failure that would come again', () => {
    const failure = { kind: 'bad_request', message: 'x' } as const;
    expect(isRetryOf(bare, turn('failed', { failure, endedAt: NOW - 59_000 }), NOW)).toBe(true);
    expect(isRetryOf(bare, turn('failed', { failure, endedAt: NOW - 61_000 }), NOW)).toBe(false);
  });
});
