import { expect, it } from 'vitest';
import type { TokenUsage } from '../domain/harness-event.js';
import { ClaimedTokens, findTokenDifference } from './turn-tokens.js';

const usage = (inputTokens: number, outputTokens: number): TokenUsage => ({
  inputTokens,
  outputTokens,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  thinkingTokens: 1,
});
const counted = (model: string, inputTokens: number, outputTokens: number) => ({
  ...usage(inputTokens, outputTokens),
  model,
});

it('finds no difference where the agent says what the broker has counted, over all models', () => {
  expect(findTokenDifference(usage(30, 7), [counted('a', 10, 3), counted('b', 20, 4)])).toBeUndefined();
});

it('gives the count of the broker where the agent says more or less', () => {
  for (const agent of [usage(99_999_999, 7), usage(30, 0)]) {
    expect(findTokenDifference(agent, [counted('a', 30, 7)])).toEqual({ agent, broker: usage(30, 7) });
  }
  expect(findTokenDifference(usage(1, 1), [])?.broker).toEqual({ ...usage(0, 0), thinkingTokens: 0 });
});

it('takes the agent’s own total of a turn, or else the sum of its calls', () => {
  const claimed = new ClaimedTokens();
  claimed.add([{ type: 'model-call-end', model: 'a', usage: usage(1, 2) }]);
  claimed.add([{ type: 'model-call-end', model: 'a', usage: usage(3, 4) }]);
  expect(claimed.total({ type: 'turn-end', reason: 'end_turn' })).toMatchObject({ inputTokens: 4, outputTokens: 6 });
  expect(claimed.total({ type: 'turn-end', reason: 'end_turn', usage: usage(9, 9) })).toEqual(usage(9, 9));
});
