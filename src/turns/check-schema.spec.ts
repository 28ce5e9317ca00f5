import type { JsonObject } from '../harness/harness-event.js';
import { describe, expect, it } from 'vitest';
import { checkSchema } from './check-schema.js';

/** Parts each of which refers to the next one twice: a check that follows them all takes 2^40 steps. */
function doubling(): JsonObject {
  const parts = Array.from({ length: 40 }, (_, index): [string, JsonObject] => [
    `part${index}`,
    { allOf: [{ $ref: `#/$defs/part${index + 1}` }, { $ref: `#/$defs/part${index + 1}` }] },
  ]);
  return Object.fromEntries([...parts, ['part40', {}]]);
}

describe(checkSchema, () => {
  it('says whether a value follows a schema, and where it does not', () => {
    const schema = { type: 'object', properties: { a: { type: 'integer' } } };
    expect(checkSchema(schema, { a: 1 })).toEqual({ kind: 'fits' });
    expect(checkSchema(schema, { a: 'one' })).toMatchObject({
      kind: 'misfit',
      places: expect.arrayContaining(['#/a (type)']) as string[],
    });
  });

  it.each<readonly [string, JsonObject]>([
    ['a pattern that is none', { pattern: '(' }],
    ['a part that is not there', { $ref: '#/$defs/none' }],
    ['a pattern that tries every way to fit', { pattern: String.raw`^(\w+)+$` }],
    ['parts that refer to one another twice each', { $ref: '#/$defs/part0', $defs: doubling() }],
  ])('gives up on %s', (_, schema) => {
    expect(checkSchema(schema, `${'a'.repeat(40)} b`)).toEqual({ kind: 'unusable' });
  });
});
