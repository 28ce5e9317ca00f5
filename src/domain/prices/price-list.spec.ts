import { describe, expect, it } from 'vitest';
import { findPrice, toModelFamily } from './price-list.js';
import { SHIPPED_PRICES } from './shipped-prices.js';

describe(toModelFamily.name, () => {
  it.each([
    ['claude-sonnet-4-5-20250929', 'claude-sonnet-4-5'],
    ['claude-sonnet-4-5@20250929', 'claude-sonnet-4-5'],
    ['claude-opus-5-5', 'claude-opus-5-5'],
    ['claude-opus-5-5[1m]', 'claude-opus-5-5'],
    ['claude-haiku-4-5-20251001[1m]', 'claude-haiku-4-5'],
    ['claude-3-5-haiku-latest', 'claude-3-5-haiku'],
    ['Claude-Opus-5-5', 'claude-opus-5-5'],
    ['anthropic.claude-haiku-4-5-20251001-v1:0', 'claude-haiku-4-5'],
    ['us.anthropic.claude-opus-4-5-20251101-v1:0', 'claude-opus-4-5'],
    ['global.anthropic.claude-opus-5-5', 'claude-opus-5-5'],
    ['claude-code/claude-opus-5-5', 'claude-opus-5-5'],
    ['codex/gpt-5.5-2026-04-23', 'gpt-5.5'],
    ['openai/gpt-6.1-sol', 'gpt-6.1-sol'],
    ['gpt-5.5', 'gpt-5.5'],
    // No dates.
    ['claude-opus-5-5-99999999', 'claude-opus-5-5-99999999'],
    ['gpt-5.5-20', 'gpt-5.5-20'],
    ['', ''],
  ])('of %j is %j', (model, family) => {
    expect(toModelFamily(model)).toBe(family);
  });
});

describe(findPrice.name, () => {
  it.each([
    'claude-code',
    'opus',
    'claude-opus',
    'claude-opus-9',
    'claude-opus-5-5-fast',
    'gpt-5.5-mini',
    'x-claude-opus-5-5',
    'demo',
    '',
  ])('guesses no price for %j', (model) => {
    expect(findPrice(SHIPPED_PRICES, model)).toBeUndefined();
  });

  it('prefers a name as it is in the list, so that a list can have its own price for a snapshot', () => {
    const price = { input: 1, output: 2, cacheRead: 3, cacheWrite: 4, cacheWrite1h: 5 };
    const prices = new Map([
      ['claude-x-20260101', { ...price, input: 9 }],
      ['claude-x', price],
    ]);
    expect(findPrice(prices, 'claude-x-20260101')).toMatchObject({ family: 'claude-x-20260101', price: { input: 9 } });
    expect(findPrice(prices, 'claude-x-20260202')).toMatchObject({ family: 'claude-x', price: { input: 1 } });
  });
});
