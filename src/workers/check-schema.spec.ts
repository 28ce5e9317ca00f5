import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { describe, expect, it } from 'vitest';
import { checkAnswer, isUsable } from './check-schema.js';

/** Definitions that each refer twice to the next one: a check that follows all references takes 2^40 steps. */
function doubling(): JsonObject {
  const parts = Array.from({ length: 40 }, (_, index): [string, JsonObject] => [
    `part${index}`,
    { allOf: [{ $ref: `#/$defs/part${index + 1}` }, { $ref: `#/$defs/part${index + 1}` }] },
  ]);
  return Object.fromEntries([...parts, ['part40', {}]]);
}

const many = <Value>(length: number, value: (index: number) => Value): readonly Value[] =>
  Array.from({ length }, (_, index) => value(index));

const LONG_WORD = JSON.stringify(`${'a'.repeat(40)} b`);
const PATTERN = { pattern: String.raw`^(\w+)+$` };

describe('the check of an answer against a schema', () => {
  it('reports whether the answer is valid, and each violation', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } } };
    expect(await checkAnswer(schema, '{"a":1}')).toEqual({ kind: 'valid' });
    expect(await checkAnswer(schema, '{"a":"one"}')).toMatchObject({
      kind: 'invalid',
      violations: expect.arrayContaining(['#/a (type)']) as string[],
    });
    expect(await checkAnswer(schema, 'one')).toEqual({ kind: 'not JSON' });
  });

  it.each<readonly [string, JsonObject, string]>([
    ['an invalid pattern', { pattern: '(' }, LONG_WORD],
    ['an unresolvable reference', { $ref: '#/$defs/none' }, LONG_WORD],
    ['a pattern that backtracks exponentially', PATTERN, LONG_WORD],
    [
      'such a pattern for the names of properties',
      { patternProperties: { [PATTERN.pattern]: false } },
      `{${LONG_WORD}:1}`,
    ],
    ['definitions that each refer twice to the next one', { $ref: '#/$defs/part0', $defs: doubling() }, LONG_WORD],
    ['a definition that refers to itself', { $ref: '#' }, LONG_WORD],
    [
      'items that are all compared with one another',
      { uniqueItems: true },
      JSON.stringify(many(20_000, (index) => ({ a: { b: [index] } }))),
    ],
  ])('gives up on %s', async (_, schema, answer) => {
    expect(await checkAnswer(schema, answer)).toEqual({ kind: 'unusable-schema' });
  });

  it('runs other checks while one exceeds its time', async () => {
    const ended: string[] = [];
    const check = async (name: string, schema: JsonObject): Promise<void> => {
      await checkAnswer(schema, LONG_WORD);
      ended.push(name);
    };
    await Promise.all([check('hostile', PATTERN), check('good', { type: 'string' })]);
    expect(ended).toEqual(['good', 'hostile']);
  });
});

describe('a schema', () => {
  it.each<readonly [string, JsonObject]>([
    ['without keywords', {}],
    ['of a thousand choices', { enum: many(1000, (index): JsonValue => `choice ${index}`) }],
    ['with a pattern that is slow only against a text', PATTERN],
  ])('%s is usable', async (_, schema) => {
    expect(await isUsable(schema)).toBe(true);
  });

  it.each<readonly [string, JsonObject]>([
    ['with an invalid pattern', { properties: { a: { items: [{ pattern: '(' }] } } }],
    ['with definitions that each refer twice to the next one', { $ref: '#/$defs/part0', $defs: doubling() }],
    ['of a hundred thousand choices', { enum: many(100_000, (index): JsonValue => index) }],
    ['with a hundred thousand patterns', { anyOf: many(100_000, (index) => ({ pattern: `^${index}` })) }],
  ])('%s is not usable', async (_, schema) => {
    expect(await isUsable(schema)).toBe(false);
  });
});
