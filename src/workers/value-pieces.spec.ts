import { describe, expect, it } from 'vitest';
import { countValues, PIECE_VALUES, serializeInPieces, ValueBuilder } from './value-pieces.js';

const MANY = 3 * PIECE_VALUES;
const list = (length: number, value: (index: number) => unknown): readonly unknown[] =>
  Array.from({ length }, (_, index) => value(index));
const object = (length: number): Readonly<Record<string, number>> =>
  Object.fromEntries(Array.from({ length }, (_, index) => [`key ${index}`, index]));
const nested = (depth: number, value: unknown): unknown =>
  depth === 0 ? value : { a: 1, in: nested(depth - 1, value) };

/** The value after its transfer, and the number of its pieces. */
function sent(value: unknown): readonly [unknown, number] {
  const builder = new ValueBuilder();
  let count = 0;
  for (const piece of serializeInPieces(value)) {
    if (piece.kind === 'members') expect(countValues(piece.values, MANY)).toBeLessThanOrEqual(PIECE_VALUES + 1);
    // Clones, as the transfer between two threads does.
    builder.add(structuredClone(piece));
    count += 1;
  }
  return [builder.value, count];
}

describe('a value in pieces', () => {
  it.each<readonly [string, unknown]>([
    ['a text', 'x'.repeat(MANY)],
    ['null', null],
    ['an empty list', []],
    ['a small object', { a: [1, { b: null }] }],
  ])('is one piece when it is small: %s', (_, value) => {
    expect(sent(value)).toEqual([value, 1]);
  });

  it.each<readonly [string, unknown]>([
    ['a long list', list(MANY, (index) => index)],
    ['a list of objects', list(MANY, (index) => ({ [`key ${index}`]: index }))],
    ['a list of long lists', list(4, () => list(PIECE_VALUES, (index) => index))],
    ['a wide object', object(MANY)],
    ['a wide object nested deep in others', nested(200, object(MANY))],
    ['an object of wide objects', { first: object(MANY), small: 1, last: object(MANY), text: 'x' }],
    ['a list of long texts', list(400, () => 'x'.repeat(PIECE_VALUES))],
    ['a list with one large member among small ones', [1, list(MANY, () => []), 2, { a: 3 }]],
    ['keys that are numbers or empty', { ...object(MANY), '': 1, 7: 2, length: 3 }],
  ])('is rebuilt unchanged from several pieces: %s', (_, value) => {
    const [arrived, count] = sent(value);
    // Compared as texts, because `toEqual` takes minutes for deep values.
    expect(JSON.stringify(arrived) === JSON.stringify(value)).toBe(true);
    expect(count).toBeGreaterThan(2);
  });

  it('may have members with the names of inherited properties', () => {
    const wide: unknown = JSON.parse(`{"__proto__":{"polluted":1},"constructor":2,"list":[${'0,'.repeat(MANY)}0]}`);
    const [arrived] = sent(wide);
    expect(JSON.stringify(arrived)).toBe(JSON.stringify(wide));
    expect(Reflect.get(Object(arrived), 'polluted')).toBeUndefined();
  });
});
