import { describe, expect, it } from 'vitest';
import type { JsonValue } from './harness-event.js';
import { isLongerThan, toJsonSlices } from './json-slices.js';

const LONG = 'a "long" text,\n with é, 🦉 and \\ in it. '.repeat(4000);

describe(toJsonSlices.name, () => {
  it.each<readonly [string, JsonValue]>([
    ['a short value', { a: [1, null, true, 'x'], b: {} }],
    ['a long text', LONG],
    ['texts that pairs of surrogates cross in any place', [`x${'🦉'.repeat(40_000)}`, '🦉'.repeat(40_000)]],
    ['lone surrogates', `\uD83E${'x'.repeat(20_000)}\uDD89`],
    ['long texts in lists and objects', { [LONG]: [LONG, { deep: { deeper: LONG, n: 1.5 } }, [[LONG]]], last: 'x' }],
    ['many short values', Array.from({ length: 30_000 }, (_, index) => ({ [`k${index}`]: [index, 'x'] }))],
    ['a long list in an object with a short field', { first: Array.from({ length: 20_000 }, () => 0), second: 2 }],
  ])('makes what JSON.stringify makes of %s', (_, value) => {
    expect([...toJsonSlices(value)].join('')).toBe(JSON.stringify(value));
  });

  it('leaves out fields that are not there, also around a long one, and has null for them in lists', () => {
    const value = { a: undefined, b: LONG, c: undefined, d: [undefined, LONG] } as unknown as JsonValue;
    expect([...toJsonSlices(value)].join('')).toBe(JSON.stringify(value));
  });

  it('makes no long slice', () => {
    const lengths = [...toJsonSlices([LONG, { a: LONG.repeat(10) }])].map((slice) => slice.length);
    expect(Math.max(...lengths)).toBeLessThan(50_000);
  });

  it('makes few slices of many short values, also deep in others', () => {
    let value: JsonValue = Array.from({ length: 100_000 }, () => ({}));
    for (let depth = 0; depth < 200; depth += 1) value = [value];
    const slices = [...toJsonSlices(value)];
    expect(slices.join('')).toBe(JSON.stringify(value));
    expect(slices.length).toBeLessThan(500);
  });
});

describe(isLongerThan.name, () => {
  it('counts texts, names and values', () => {
    expect(isLongerThan('x'.repeat(100), 100)).toBe(false);
    expect(isLongerThan('x'.repeat(101), 100)).toBe(true);
    expect(isLongerThan([{ a: 'x'.repeat(60) }, ['x'.repeat(60)]], 100)).toBe(true);
    expect(isLongerThan({ ['x'.repeat(101)]: 1 }, 100)).toBe(true);
    expect(
      isLongerThan(
        Array.from({ length: 101 }, () => 0),
        100,
      ),
    ).toBe(true);
    expect(isLongerThan({ a: [1, 2, null] }, 100)).toBe(false);
  });
});
