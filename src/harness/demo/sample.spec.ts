import { Validator } from '@cfworker/json-schema';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../domain/harness-event.js';
import { sampleFromSchema } from './sample.js';

describe('sampleFromSchema', () => {
  it.each<readonly [JsonObject, unknown]>([
    [{ type: 'object', properties: { title: { type: 'string' } }, required: ['title'] }, { title: 'Hi' }],
    [{ type: 'object', properties: { title: { type: 'string' } } }, {}],
    [{ properties: { a: { enum: ['x', 'y'] } }, required: ['a'] }, { a: 'x' }],
    [{ type: 'array', items: { const: 7 }, minItems: 2 }, [7, 7]],
    [{ type: ['string', 'null'], minLength: 4 }, 'Hi..'],
    [{ type: 'integer', minimum: 3 }, 3],
    [{ anyOf: [{ type: 'boolean' }, { type: 'null' }] }, true],
    [{ $ref: '#/$defs/one', $defs: { one: { type: 'number' } } }, 0],
    [{}, null],
  ])('of %j is %j, and follows it', (schema, value) => {
    expect(sampleFromSchema(schema, 'Hi')).toEqual(value);
    expect(new Validator(schema, '2020-12').validate(value).valid).toBe(true);
  });

  it('terminates for a recursive schema', () => {
    const schema = { $ref: '#/$defs/loop', $defs: { loop: { $ref: '#/$defs/loop' } } };
    expect(sampleFromSchema(schema, '')).toBeNull();
  });
});
