import { describe, expect, it } from 'vitest';
import { aTurn } from '../../test/support/stored.js';
import { NO_TOKENS, startUsage } from '../translator/usage.js';
import { messageStart } from '../translator/wire.js';
import type { Turn, TurnState } from '../storage/turn.js';
import { meansTurn } from './attach.js';

const turn = (state: TurnState, more: Partial<Turn> = {}): Turn => aTurn({ state, requestKey: 'same', ...more });

const START = messageStart('msg_1', 'm', startUsage(NO_TOKENS));
const message = START.type === 'message_start' ? { message: START.message } : {};

describe('a request means a turn', () => {
  const bare = { requestKey: 'same', hasHistory: false };
  const telling = { requestKey: 'same', hasHistory: true };

  it('never when it says something else', () => {
    for (const state of ['queued', 'running', 'completed', 'failed', 'cancelled'] as const)
      expect(meansTurn({ ...telling, requestKey: 'other' }, turn(state))).toBe(false);
  });

  it('always while it waits or runs', () => {
    for (const state of ['queued', 'running'] as const)
      expect([bare, telling].map((request) => meansTurn(request, turn(state)))).toEqual([true, true]);
  });

  it('after its good end when the conversation shows that nothing came after it', () => {
    expect(meansTurn(telling, turn('completed', { deliveredAt: 5 }))).toBe(true);
    expect(meansTurn(telling, turn('completed'))).toBe(true);
  });

  it('without a history only when nobody has had its answer yet', () => {
    expect(meansTurn(bare, turn('completed'))).toBe(true);
    expect(meansTurn(bare, turn('completed', { deliveredAt: 5 }))).toBe(false);
  });

  it('that was interrupted only when there is something of it that nobody had', () => {
    expect(meansTurn(telling, turn('cancelled', message))).toBe(true);
    expect(meansTurn(telling, turn('cancelled', { ...message, deliveredAt: 5 }))).toBe(false);
    expect(meansTurn(telling, turn('cancelled'))).toBe(false);
  });

  it('never after its failure: it is to be tried again', () => {
    expect(meansTurn(telling, turn('failed'))).toBe(false);
  });
});
