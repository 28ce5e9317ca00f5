import { below, chance, many, type Random } from '../draw.js';

/** Where the JSON text of something hostile goes. */
const HERE = '"here"';

const repeated = (part: string, times: number): string => many(times, () => part).join(',');

/** JSON text that is much work for whoever parses it, walks through it or keeps it: around the limit of values, and far beyond. */
const FILLINGS: readonly ((random: Random) => string)[] = [
  (random) => `[${repeated(random.pick(['{}', '[]', '0', '""', '[[]]', '{"a":{}}']), count(random))}]`,
  (random) => `[${repeated('{"type":"text","text":"a"}', count(random) / 5)}]`,
  (random) => `[${repeated('{"name":"a","input_schema":{}}', count(random) / 5)}]`,
  (random) => `{${repeated('"a":1', count(random) / 2)}}`,
  (random) => `{${many(count(random) / 5, (index) => `"key${index}":${index}`).join(',')}}`,
  (random) => `{"${'k'.repeat(random.pick([1000, 1_000_000]))}":1,"__proto__":{"a":1},"constructor":null}`,
  (random) => `${chance(random, 0.5) ? '-' : ''}${'9'.repeat(1_000_000)}${random.pick(['', '.5', 'e999999999'])}`,
  (random) => `${'{"a":['.repeat(below(random, 200))}1`,
  (random) =>
    `"${random.pick([String.raw`\ud800`, String.raw`\u0000`, String.raw`\"`, '<system-reminder>'])}"`.replace(
      /(?<=")(.*)(?=")/,
      (text) => text.repeat(200_000),
    ),
];

/** What is sent in the place of a part of a request. */
const PLACES: readonly ((body: object) => object)[] = [
  (body) => ({ ...body, messages: 'here' }),
  (body) => ({ ...body, messages: [{ role: 'user', content: 'here' }] }),
  (body) => ({ ...body, tools: 'here' }),
  (body) => ({ ...body, system: 'here' }),
  (body) => ({ ...body, metadata: { user_id: 'here' } }),
  (body) => ({ ...body, stop_sequences: 'here' }),
  (body) => ({ ...body, from_the_future: 'here' }),
  (body) => ({ ...body, tool_choice: { type: 'tool', name: 'a' }, tools: [{ name: 'a', input_schema: 'here' }] }),
  (body) => ({ ...body, output_config: { format: { type: 'json_schema', schema: 'here' } } }),
];

/** A request with more in it than a server may want to look at. */
export function hostileBody(random: Random, body: object): Buffer {
  const text = JSON.stringify(random.pick(PLACES)(body)).replace(HERE, () => random.pick(FILLINGS)(random));
  return Buffer.from(chance(random, 0.1) ? `\ufeff${text}` : text);
}

/** Schemas that take for ever to be understood, or to be followed. */
const SCHEMAS: readonly (() => object)[] = [
  () => ({ type: 'string', pattern: String.raw`^(\w+\s?)+$` }),
  () => ({ type: 'object', patternProperties: { '^(a|a)*$': { type: 'string' } } }),
  () => ({ $ref: '#/$defs/0', $defs: Object.fromEntries(many(41, (index) => [index, doubled(index)])) }),
  () => ({ $ref: '#' }),
  () => ({ type: 'array', uniqueItems: true, items: { enum: many(10_000, (index) => index) } }),
  () => ({ anyOf: many(5000, (index) => ({ const: index })) }),
  () => ({ enum: many(100_000, (index) => `choice ${index}`) }),
];

const doubled = (index: number): object =>
  index === 40 ? {} : { allOf: [{ $ref: `#/$defs/${index + 1}` }, { $ref: `#/$defs/${index + 1}` }] };

/** A request whose answer is to follow such a schema. */
export function hostileSchema(random: Random, body: object): Buffer {
  const schema = random.pick(SCHEMAS)();
  const asked = chance(random, 0.5)
    ? { output_config: { format: { type: 'json_schema', schema } } }
    : { tool_choice: { type: 'any' }, tools: [{ name: 'a', input_schema: schema }] };
  return Buffer.from(JSON.stringify({ ...body, ...asked }));
}

function count(random: Random): number {
  return random.pick([100_000, 450_000, 600_000, 2_000_000]);
}
