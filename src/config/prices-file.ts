import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { JsonValue } from '../domain/harness-event.js';
import { isJsonObject, parseObject } from '../domain/json.js';
import type { ModelPrice, PriceList } from '../domain/prices/price-list.js';
import { SHIPPED_PRICES } from '../domain/prices/shipped-prices.js';
import type { Parsed } from './setting.js';

const FIELDS = ['input', 'output', 'cache_read', 'cache_write', 'cache_write_1h'] as const;
const OPTIONAL: readonly string[] = ['cache_write_1h'];

/** More than any model costs for a million tokens; beyond it, prices are in another unit. */
const MAX_PRICE = 100_000;

/**
 * Reads prices from a file, in place of those that Chiron ships:
 * `{"models": {"<name>": {"input": 4, "output": 20, "cache_read": 0.2, "cache_write": 5, "cache_write_1h": 8}}}`.
 */
export function parsePricesFile(file: string | undefined): Parsed<PriceList> {
  if (file === undefined) return { value: SHIPPED_PRICES };
  const models = parseObject(readText(file) ?? '')?.['models'];
  if (!isJsonObject(models)) return { expected: 'must be a readable JSON file with {"models": {"<name>": {…}}}' };
  const prices = new Map<string, ModelPrice>();
  for (const [name, value] of Object.entries(models)) {
    const price = readPrice(value);
    if (typeof price === 'string') return { expected: `names a file in which models[${JSON.stringify(name)}]${price}` };
    prices.set(name.toLowerCase(), price);
  }
  return { value: prices };
}

/** Reads the price of a model, or says what is wrong with it. */
function readPrice(value: JsonValue): ModelPrice | string {
  if (!isJsonObject(value)) return ' must be an object';
  const names: readonly string[] = FIELDS;
  if (Object.keys(value).some((field) => !names.includes(field)))
    return ` has an unknown field; it may have ${FIELDS.join(', ')}`;
  for (const field of FIELDS) {
    const price = value[field];
    if (price === undefined && OPTIONAL.includes(field)) continue;
    if (typeof price !== 'number' || price < 0 || price > MAX_PRICE)
      return `.${field} must be a number of US dollars per million tokens, from 0 to ${MAX_PRICE}`;
  }
  const read = (field: (typeof FIELDS)[number]): number => Number(value[field]);
  return {
    input: read('input'),
    output: read('output'),
    cacheRead: read('cache_read'),
    cacheWrite: read('cache_write'),
    cacheWrite1h: read(value['cache_write_1h'] === undefined ? 'cache_write' : 'cache_write_1h'),
  };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(resolve(file), 'utf8');
  } catch {
    // The path is in the operator's own configuration; the reason does not matter.
    return undefined;
  }
}
