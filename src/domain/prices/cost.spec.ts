import { describe, expect, it } from 'vitest';
import type { TokenUsage } from '../harness-event.js';
import { computeCost, sumCosts } from './cost.js';

const PRICES = new Map([
  ['large', { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5, cacheWrite1h: 8 }],
  ['small', { input: 0.1, output: 0.5, cacheRead: 0.01, cacheWrite: 0.125, cacheWrite1h: 0.2 }],
]);

function tokens(input: number, output: number, more: Partial<TokenUsage> = {}): TokenUsage {
  const cache = { cacheReadInputTokens: 0, cacheCreationInputTokens: 0 };
  return { inputTokens: input, outputTokens: output, ...cache, thinkingTokens: 0, ...more };
}

const cost = (total: TokenUsage, ...calls: readonly (readonly [string, TokenUsage])[]) =>
  computeCost(PRICES, {
    total,
    calls: calls.map(([model, usage]) => ({ model, usage })),
    answeredModel: 'large',
  });

describe(computeCost.name, () => {
  it('has a price for each kind of token, in millionths of a dollar', () => {
    const kinds = { cacheReadInputTokens: 1000, cacheCreationInputTokens: 30, cacheCreation1hInputTokens: 10 };
    // 100 × 4 + 10 × 20 + 1000 × 0.2 + 20 × 5 + 10 × 8
    expect(cost(tokens(100, 10, { ...kinds, thinkingTokens: 9 }))).toEqual([{ model: 'large', micros: 980 }]);
  });

  it('has the price of each call’s own model, by the names of the list', () => {
    const calls = [
      ['large-20260101', tokens(10, 1)],
      ['small', tokens(1000, 100)],
      ['large', tokens(1, 0)],
    ] as const;
    expect(cost(tokens(1011, 101), ...calls)).toEqual([
      { model: 'large', micros: 64 },
      { model: 'small', micros: 150 },
    ]);
  });

  it('counts what the total has beyond the calls, as of sub-agents, with the last call’s model', () => {
    expect(cost(tokens(110, 10), ['large', tokens(10, 10)], ['small', tokens(0, 0)])).toEqual([
      { model: 'large', micros: 240 },
      { model: 'small', micros: 10 },
    ]);
  });

  it('is that of the total where the calls say more', () => {
    expect(cost(tokens(10, 10), ['small', tokens(5, 10)], ['large', tokens(10, 0)])).toEqual([
      { model: 'large', micros: 240 },
    ]);
  });

  it('is unknown as soon as a model with tokens has no price', () => {
    expect(cost(tokens(20, 0), ['large', tokens(10, 0)], ['strange', tokens(10, 0)])).toBeUndefined();
    expect(cost(tokens(20, 0), ['strange', tokens(0, 0)], ['large', tokens(20, 0)])).toEqual([
      { model: 'large', micros: 80 },
    ]);
  });

  it('is nothing without tokens, whatever the model', () => {
    expect(computeCost(PRICES, { total: tokens(0, 0), calls: [], answeredModel: 'strange' })).toEqual([]);
    expect(sumCosts([])).toBe(0);
  });

  it('is whole millionths', () => {
    expect(cost(tokens(0, 0, { cacheReadInputTokens: 3 }))).toEqual([{ model: 'large', micros: 1 }]);
  });
});
