import { chance, type Random } from '../draw.js';
import type { JsonFields, JsonNode } from './json-node.js';
import { mutated } from './mutate.js';

/** A form for the answer: mostly a schema, of which some cannot be followed, and some can be followed only at great expense. */
export function answerForm(random: Random): JsonNode {
  const schema = chance(random, 0.2) ? mutated(random, answerSchema(random)) : answerSchema(random);
  return random.pick<JsonNode>([
    { type: 'json_schema', schema },
    { type: 'json_schema', schema },
    { type: 'json_schema', schema },
    { type: 'json_schema', name: 'x', schema: { anyOf: [{}], $defs: { x: { $ref: '#/$defs/x' } } } },
    { type: 'json_schema' },
    { type: 'text' },
    null,
  ]);
}

/** A schema for an answer, or for the input of a tool. */
export function answerSchema(random: Random): JsonFields {
  const properties = { a: random.pick(PROPERTIES), b: { type: 'string' } };
  const required = random.pick([['a'], ['a', 'b'], ['b'], [], ['c']]);
  return { type: 'object', properties, required, additionalProperties: random.pick([true, false]) };
}

const PROPERTIES: readonly JsonFields[] = [
  { type: 'string' },
  { type: 'integer', minimum: 3 },
  { type: 'string', minLength: 30, maxLength: 20 },
  { type: 'string', minLength: 2 ** 31 },
  { type: 'array', items: { type: 'string' }, minItems: 3 },
  { type: 'array', items: { type: 'string' }, minItems: 2 ** 31 },
  { type: 'array', minItems: -1, items: [{ $ref: '#' }] },
  { type: 'string', pattern: '^[a-z]+$' },
  { type: 'string', pattern: '(' },
  // Takes for ever to find out that a long word with a space behind it does not fit.
  { type: 'string', pattern: String.raw`^(\w+)+$` },
  { type: 'string', pattern: String.raw`\p{None}` },
  { type: 'object', patternProperties: { '[': {} } },
  { type: 'string', format: 'uri' },
  { type: 'number', multipleOf: 0 },
  { enum: [] },
  { const: { deep: [null] } },
  { $ref: '#/properties/b' },
  { $ref: '#' },
  { $ref: 'https://example.com/schema.json' },
  { allOf: [{ type: 'string' }, { not: {} }] },
];
