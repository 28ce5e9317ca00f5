import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { isJsonObject, asArray, asNumber, asObject, asString } from '../../domain/json.js';

/** How deep a schema is followed, as it may refer to itself. */
const MAX_DEPTH = 12;
/** How many values a sample has at most, and how long its strings are made: a schema may ask for any number. */
const MAX_VALUES = 1000;
const MAX_LENGTH = 10_000;

/**
 * A small value that follows a JSON Schema, for the usual schemas of answers: types, `enum`, `const`, `anyOf`, references within the
 * schema, and lower bounds. `text` is what strings say, as far as they may.
 */
export function sampleFromSchema(schema: JsonObject, text: string): JsonValue {
  return sample(schema, { root: schema, text, depth: 0, budget: { left: MAX_VALUES } });
}

interface Context {
  readonly root: JsonObject;
  readonly text: string;
  readonly depth: number;
  /** How many values may still be made. */
  readonly budget: { left: number };
}

function sample(value: JsonValue | undefined, context: Context): JsonValue {
  const schema = asObject(value);
  const inner = { ...context, depth: context.depth + 1 };
  context.budget.left -= 1;
  if (context.depth > MAX_DEPTH || context.budget.left < 0) return null;
  const { $ref: reference, const: constant } = schema;
  if (typeof reference === 'string') return sample(referred(context.root, reference), inner);
  if (constant !== undefined) return constant;
  const [first] = asArray(schema['enum']);
  if (first !== undefined) return first;
  for (const name of ['anyOf', 'oneOf', 'allOf']) {
    const [choice] = asArray(schema[name]);
    if (choice !== undefined) return sample(choice, inner);
  }
  switch (readType(schema)) {
    case 'object': {
      const wanted = new Set(asArray(schema['required']));
      const properties = Object.entries(asObject(schema['properties'])).filter(([name]) => wanted.has(name));
      return Object.fromEntries(properties.map(([name, property]) => [name, sample(property, inner)]));
    }
    case 'array':
      return Array.from({ length: Math.min(asNumber(schema['minItems']) ?? 0, MAX_VALUES) }, () =>
        sample(schema['items'], inner),
      );
    case 'string':
      return context.text
        .slice(0, asNumber(schema['maxLength']))
        .padEnd(Math.min(asNumber(schema['minLength']) ?? 0, MAX_LENGTH), '.');
    case 'integer':
    case 'number':
      return asNumber(schema['minimum']) ?? 0;
    case 'boolean':
      return true;
    default:
      return null;
  }
}

function readType(schema: JsonObject): string | undefined {
  const { type } = schema;
  if (type === undefined && isJsonObject(schema['properties'])) return 'object';
  return asString(Array.isArray(type) ? type[0] : type);
}

/** The part of a schema that `#/$defs/name` refers to. */
function referred(root: JsonObject, reference: string): JsonValue | undefined {
  return reference
    .split('/')
    .slice(1)
    .reduce<JsonValue | undefined>((part, name) => asObject(part)[name], root);
}
