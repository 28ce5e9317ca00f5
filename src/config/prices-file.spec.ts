import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findPrice } from '../domain/prices/price-list.js';
import { SHIPPED_PRICES } from '../domain/prices/shipped-prices.js';
import { parsePricesFile } from './prices-file.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'chiron-prices-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function parse(content: string): ReturnType<typeof parsePricesFile> {
  const file = join(folder, 'prices.json');
  writeFileSync(file, content);
  return parsePricesFile(file);
}

const GOOD = { input: 1, output: 2, cache_read: 0.1, cache_write: 1.5 };
const model = (changes: object): string => JSON.stringify({ models: { mine: { ...GOOD, ...changes } } });

it('prices are those that Chiron ships, without a file', () => {
  expect(parsePricesFile(undefined)).toEqual({ value: SHIPPED_PRICES });
});

it('a file of prices replaces all of them', () => {
  const parsed = parse(JSON.stringify({ models: { Mine: { ...GOOD, cache_write_1h: 3 }, other: GOOD } }));
  if (!('value' in parsed)) throw new Error(parsed.expected);
  expect([...parsed.value.keys()]).toEqual(['mine', 'other']);
  expect(findPrice(parsed.value, 'Mine-20260101')?.price).toEqual({
    input: 1,
    output: 2,
    cacheRead: 0.1,
    cacheWrite: 1.5,
    cacheWrite1h: 3,
  });
  // What is cached for an hour costs no less than what is cached for five minutes.
  expect(findPrice(parsed.value, 'other')?.price.cacheWrite1h).toBe(1.5);
});

it.each([
  ['not JSON', 'must be a readable JSON file with {"models": {"<name>": {…}}}'],
  ['{}', 'must be a readable JSON file with {"models": {"<name>": {…}}}'],
  ['{"models": []}', 'must be a readable JSON file with {"models": {"<name>": {…}}}'],
  ['{"models": {"mine": 5}}', 'names a file in which models["mine"] must be an object'],
  [model({ output: undefined }), 'names a file in which models["mine"].output must be a number of US dollars'],
  [model({ input: '4' }), 'names a file in which models["mine"].input must be a number'],
  [model({ cache_read: -1 }), 'names a file in which models["mine"].cache_read must be a number'],
  [model({ input: 4_000_000 }), 'models["mine"].input must be a number of US dollars per million tokens, from 0 to'],
  [model({ cacheRead: 1 }), 'names a file in which models["mine"] has an unknown field; it may have input, output'],
])('a file of prices is refused with what is wrong in it: %s', (content, expected) => {
  expect(parse(content)).toEqual({ expected: expect.stringContaining(expected) });
});

it('a file of prices that is not there is refused', () => {
  expect(parsePricesFile(join(folder, 'none.json'))).toHaveProperty('expected');
});
