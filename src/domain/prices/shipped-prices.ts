import type { ModelPrice, PriceList } from './price-list.js';

/**
 * The prices that Chiron ships: list prices of the providers' APIs in US dollars per million tokens, for standard processing and prompts of
 * usual length. Haiku 5.5 costs five times as much above 100,000 tokens of input, and GPT models twice as much above 272,000.
 *
 * [platform.claude.com/docs/en/about-claude/pricing and the models' own pages, developers.openai.com/api/docs/pricing; November 2026]
 */
export const SHIPPED_PRICES: PriceList = new Map([
  ['claude-fable-5-2', claude(8, 40, 0.2)],
  ['claude-fable-5-1', claude(10, 50, 0.25)],
  ['claude-fable-5', claude(10, 50)],
  ['claude-opus-5-5', claude(4, 20, 0.2)],
  ['claude-opus-5', claude(5, 25)],
  ['claude-opus-4-8', claude(5, 25)],
  ['claude-opus-4-7', claude(5, 25)],
  ['claude-opus-4-6', claude(5, 25)],
  ['claude-opus-4-5', claude(5, 25)],
  ['claude-opus-4-1', claude(15, 75)],
  ['claude-opus-4', claude(15, 75)],
  ['claude-sonnet-5-5', claude(2, 10)],
  ['claude-sonnet-5', claude(2, 10)],
  ['claude-sonnet-4-6', claude(3, 15)],
  ['claude-sonnet-4-5', claude(3, 15)],
  ['claude-sonnet-4', claude(3, 15)],
  ['claude-haiku-5-5', claude(0.1, 0.5)],
  ['claude-haiku-4-5', claude(1, 5)],
  ['gpt-6.1-sol', gpt(2, 10, 0.1, 2.5)],
  ['gpt-6.1-terra', gpt(1, 5, 0.05, 1.25)],
  ['gpt-6-astra', gpt(10, 50, 1, 12.5)],
  ['gpt-6-sol', gpt(2, 10, 0.2, 2.5)],
  ['gpt-6-luna', gpt(0.1, 0.5, 0.01, 0.125)],
  ['gpt-5.6-sol', gpt(4, 20, 0.4, 5)],
  ['gpt-5.6-terra', gpt(2, 12, 0.2, 2.5)],
  ['gpt-5.6-luna', gpt(0.2, 1.2, 0.02, 0.25)],
  ['gpt-5.5', gpt(5, 30, 0.5)],
  ['gpt-5-codex', gpt(1.25, 10, 0.125)],
  ['gpt-5', gpt(1.25, 10, 0.125)],
]);

/** Anthropic charges 1.25 times the input's price to cache it for five minutes, twice for an hour, and a tenth to read it, if it says nothing else. */
function claude(input: number, output: number, cacheRead = input / 10): ModelPrice {
  return { input, output, cacheRead, cacheWrite: input * 1.25, cacheWrite1h: input * 2 };
}

/** Older models of OpenAI write to their cache at the price of input. */
function gpt(input: number, output: number, cacheRead: number, cacheWrite = input): ModelPrice {
  return { input, output, cacheRead, cacheWrite, cacheWrite1h: cacheWrite };
}
