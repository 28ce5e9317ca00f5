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
  cacheCreation1hInputTokens: 0,
  model,
});

it('finds no difference where the agent says what the broker has counted, over all models', () => {
  expect(findTokenDifference(usage(30, 7), [counted('a', 10, 3), counted('b', 20, 4)])).toBeUndefined();
});

it('gives the count of the broker where the agent says more or less, and tells these apart', () => {
  expect(findTokenDifference(usage(99_999_999, 7), [counted('a', 30, 7)])).toEqual({
    agent: usage(99_999_999, 7),
    broker: usage(30, 7),
    isOverstated: true,
  });
  expect(findTokenDifference(usage(30, 0), [counted('a', 30, 7)])).toMatchObject({
    broker: usage(30, 7),
    isOverstated: false,
  });
  expect(findTokenDifference(usage(1, 9), [counted('a', 30, 7)])).toMatchObject({ isOverstated: true });
  expect(findTokenDifference(usage(1, 1), [])?.broker).toEqual({ ...usage(0, 0), thinkingTokens: 0 });
});

it('knows which tokens are cached for an hour, as these cost more', () => {
  const agent = { ...usage(30, 7), cacheCreationInputTokens: 20, cacheCreation1hInputTokens: 8 };
  const seen = { ...counted('a', 30, 7), cacheCreationInputTokens: 20, cacheCreation1hInputTokens: 8 };
  expect(findTokenDifference(agent, [seen])).toBeUndefined();
  expect(findTokenDifference(usage(30, 7), [seen])?.broker).toEqual(agent);
  expect(findTokenDifference(agent, [{ ...seen, cacheCreation1hInputTokens: 20 }])?.isOverstated).toBe(false);
});

it('takes the agent’s own total of a turn, or else the sum of its calls', () => {
  const claimed = new ClaimedTokens();
  claimed.add([{ type: 'model-call-end', model: 'a', usage: usage(1, 2) }]);
  claimed.add([{ type: 'model-call-end', model: 'a', usage: usage(3, 4) }]);
  expect(claimed.total({ type: 'turn-end', reason: 'end_turn' })).toMatchObject({ inputTokens: 4, outputTokens: 6 });
  expect(claimed.total({ type: 'turn-end', reason: 'end_turn', usage: usage(9, 9) })).toEqual(usage(9, 9));
});
