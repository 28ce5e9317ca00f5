import type { JsonObject, JsonValue } from '../../domain/harness-event.js';
import { isJsonObject, asArray, asNumber, asObject, asString } from '../../domain/json.js';

/** Nesting limit: a schema may refer to itself. */
const MAX_DEPTH = 12;
/** Limits on the values of a sample and on the length of its strings: a schema may demand any number. */
const MAX_VALUES = 1000;
const MAX_STRING_CHARS = 10_000;

/**
 * Builds a small value that matches a JSON Schema. Supports what output schemas usually contain: types, `enum`, `const`, `anyOf`,
 * references within the schema, and lower bounds. Strings contain `text`, cut or padded to their length limits.
 */
export function sampleFromSchema(schema: JsonObject, text: string): JsonValue {
  return sample(schema, { root: schema, text, depth: 0, budget: { remaining: MAX_VALUES } });
}

interface Context {
  readonly root: JsonObject;
  readonly text: string;
  readonly depth: number;
  /** How many values the sample may still get. */
  readonly budget: { remaining: number };
}

function sample(value: JsonValue | undefined, context: Context): JsonValue {
  const schema = asObject(value);
  const inner = { ...context, depth: context.depth + 1 };
  context.budget.remaining -= 1;
  if (context.depth > MAX_DEPTH || context.budget.remaining < 0) return null;
  const { $ref: reference, const: constant } = schema;
  if (typeof reference === 'string') return sample(resolveReference(context.root, reference), inner);
  if (constant !== undefined) return constant;
  const [first] = asArray(schema['enum']);
  if (first !== undefined) return first;
  for (const name of ['anyOf', 'oneOf', 'allOf']) {
    const [choice] = asArray(schema[name]);
    if (choice !== undefined) return sample(choice, inner);
  }
  switch (readType(schema)) {
    case 'object': {
      const required = new Set(asArray(schema['required']));
      const properties = Object.entries(asObject(schema['properties'])).filter(([name]) => required.has(name));
      return Object.fromEntries(properties.map(([name, property]) => [name, sample(property, inner)]));
    }
    case 'array':
      return Array.from({ length: Math.min(asNumber(schema['minItems']) ?? 0, MAX_VALUES) }, () =>
        sample(schema['items'], inner),
      );
    case 'string':
      return context.text
        .slice(0, asNumber(schema['maxLength']))
        .padEnd(Math.min(asNumber(schema['minLength']) ?? 0, MAX_STRING_CHARS), '.');
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

/** Resolves a reference within the schema, such as `#/$defs/name`. */
function resolveReference(root: JsonObject, reference: string): JsonValue | undefined {
  return reference
    .split('/')
    .slice(1)
    .reduce<JsonValue | undefined>((part, name) => asObject(part)[name], root);
}
