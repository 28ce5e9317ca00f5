import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { describe, expect, it } from 'vitest';
import { checkAnswer, isUsable } from './check-schema.js';

/** Parts each of which refers to the next one twice: a check that follows them all takes 2^40 steps. */
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
  it('says whether the answer follows it, and where it does not', async () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } } };
    expect(await checkAnswer(schema, '{"a":1}')).toEqual({ kind: 'fits' });
    expect(await checkAnswer(schema, '{"a":"one"}')).toMatchObject({
      kind: 'misfit',
      places: expect.arrayContaining(['#/a (type)']) as string[],
    });
    expect(await checkAnswer(schema, 'one')).toEqual({ kind: 'not JSON' });
  });

  it.each<readonly [string, JsonObject, string]>([
    ['a pattern that is none', { pattern: '(' }, LONG_WORD],
    ['a part that is not there', { $ref: '#/$defs/none' }, LONG_WORD],
    ['a pattern that tries every way to fit', PATTERN, LONG_WORD],
    [
      'such a pattern for the names of members',
      { patternProperties: { [PATTERN.pattern]: false } },
      `{${LONG_WORD}:1}`,
    ],
    ['parts that refer to one another twice each', { $ref: '#/$defs/part0', $defs: doubling() }, LONG_WORD],
    ['a part that refers to itself', { $ref: '#' }, LONG_WORD],
    [
      'items each of which is compared with all others',
      { uniqueItems: true },
      JSON.stringify(many(20_000, (index) => ({ a: { b: [index] } }))),
    ],
  ])('gives up on %s', async (_, schema, answer) => {
    expect(await checkAnswer(schema, answer)).toEqual({ kind: 'unusable' });
  });

  it('lets others have their check while one takes for ever', async () => {
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
    ['without anything', {}],
    ['of a thousand choices', { enum: many(1000, (index): JsonValue => `choice ${index}`) }],
    ['with a slow pattern, as only a text makes it slow', PATTERN],
  ])('%s is usable', async (_, schema) => {
    expect(await isUsable(schema)).toBe(true);
  });

  it.each<readonly [string, JsonObject]>([
    ['with a pattern that is none', { properties: { a: { items: [{ pattern: '(' }] } } }],
    ['with parts that refer to one another twice each', { $ref: '#/$defs/part0', $defs: doubling() }],
    ['of a hundred thousand choices', { enum: many(100_000, (index): JsonValue => index) }],
    ['with a hundred thousand patterns', { anyOf: many(100_000, (index) => ({ pattern: `^${index}` })) }],
  ])('%s is not usable', async (_, schema) => {
    expect(await isUsable(schema)).toBe(false);
  });
});
