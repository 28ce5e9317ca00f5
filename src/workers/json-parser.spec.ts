import { describe, expect, it } from 'vitest';
import { MAX_MARKS } from './json-limits.js';
import { parseJsonBody } from './json-parser.js';

const parse = (text: string) => parseJsonBody([Buffer.from(text)]);
const many = (part: string, times: number): string => Array.from({ length: times }, () => part).join(',');

const MILLION = 1_000_000;

describe('a large body', () => {
  it.each([
    ['one text', JSON.stringify('x'.repeat(2 * MILLION))],
    [
      'a history',
      JSON.stringify(Array.from({ length: 20_000 }, (_, index) => ({ role: 'user', content: `${index}`.repeat(30) }))),
    ],
    [
      'a wide object',
      JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`key${index}`, index]))),
    ],
    ['one name repeated many times', `{${many('"a":[1]', 150_000)}}`],
    ['a number of a million digits', `{"a":${'9'.repeat(2 * MILLION)}}`],
    ['names of a million characters', `{"${'k'.repeat(MILLION)}":1,"${'l'.repeat(MILLION)}":2}`],
    ['lone surrogates', `["${String.raw`\ud800`.repeat(300_000)}"]`],
  ])('is parsed to the same value as by JSON.parse: %s', async (_, text) => {
    const expected: unknown = JSON.parse(text.replaceAll(String.raw`\ud800`, String.raw`\ufffd`));
    expect(await parse(text)).toEqual({ kind: 'value', value: expected });
  });

  it.each([
    ['is truncated', `[${many('1', MILLION / 4)}`],
    ['has text after its end', `{"a":"${'x'.repeat(2 * MILLION)}"}}`],
    ['consists of quotes', '"'.repeat(2 * MILLION)],
  ])('is rejected when it %s', async (_, text) => {
    expect(await parse(text)).toEqual({ kind: 'refused', reason: 'not JSON' });
  });

  it.each([
    ['a million objects', `[${many('{}', MILLION / 2 - 1)}]`],
    ['many objects in few bytes', `[${many('{}', 20_000)}]`],
    ['many surrogates in few bytes', `["${String.raw`\ud83d\ude00`.repeat(10_000)}"]`],
    ['many of them as others write them', `["${String.raw`\uD83D\uDE00`.repeat(10_000)}"]`],
  ])('does not block the event loop: %s', async (_, text) => {
    const order: string[] = [];
    const other = new Promise<void>((resolve) => {
      setImmediate(() => {
        order.push('other');
        resolve();
      });
    });
    const parsed = parse(text).then(() => order.push('parsed'));
    await Promise.all([other, parsed]);
    expect(order).toEqual(['other', 'parsed']);
  });
});

describe('a body in chunks', () => {
  const value = Array.from({ length: 60_000 }, (_, index) => `${index} ż 狐狸 🦊`);
  /** A copy for each test, as its memory may be transferred. */
  const bytes = (): Buffer => Buffer.from(`\uFEFF${JSON.stringify(value)}`);
  const cut = (body: Buffer, size: number): readonly Buffer[] =>
    Array.from({ length: Math.ceil(body.length / size) }, (_, index) =>
      body.subarray(index * size, (index + 1) * size),
    );
  const own = (chunk: Buffer): Buffer => Buffer.from(Uint8Array.from(chunk).buffer);

  it.each<readonly [string, () => readonly Buffer[]]>([
    ['with memory of its own', () => cut(bytes(), 65_537).map(own)],
    ['in the same memory', () => cut(bytes(), 65_537)],
    ['of some bytes', () => cut(bytes(), 1001).map(own)],
  ])('is parsed as a whole, each chunk %s', async (_, chunks) => {
    expect(JSON.stringify(await parseJsonBody(chunks())) === JSON.stringify({ kind: 'value', value })).toBe(true);
  });

  it('is parsed as a whole when a small chunk shares its memory with others in the process', async () => {
    const whole = bytes();
    const [head, tail] = [whole.subarray(0, -100), Buffer.from(whole.toString('latin1').slice(-100), 'latin1')];
    expect(JSON.stringify(await parseJsonBody([head, tail])) === JSON.stringify({ kind: 'value', value })).toBe(true);
  });
});

describe('a body with too many values', () => {
  it.each([
    ['objects', `[${many('{}', MILLION)}]`],
    ['lists', `{"x":[${many('[]', MILLION)}]}`],
    ['numbers', `[${many('1', MILLION + 10)}]`],
    ['members', `{${many('"a":1', MILLION)}}`],
    ['texts', `[${many('"a"', MILLION + 10)}]`],
    ['lists of lists', `[${many('[[[[1]]]]', MILLION / 4)}]`],
    ['invalid JSON', ','.repeat(MILLION + 10)],
  ])('is rejected before it is parsed: %s', async (_, text) => {
    expect(await parse(text)).toEqual({ kind: 'refused', reason: 'too many values' });
  });

  it('is one with more marks than the limit, not counting punctuation in its strings', async () => {
    expect(await parse(`[${many('1', MAX_MARKS)}]`)).toMatchObject({ kind: 'value' });
    expect(await parse(`[${many('1', MAX_MARKS + 1)}]`)).toMatchObject({ kind: 'refused' });
    expect(await parse(JSON.stringify(['[{:,'.repeat(MILLION)]))).toMatchObject({ kind: 'value' });
  });
});
