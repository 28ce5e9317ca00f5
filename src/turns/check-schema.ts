import { createContext, Script } from 'node:vm';
import { Validator } from '@cfworker/json-schema';
import type { JsonObject } from '../harness/harness-event.js';

/**
 * Longest time of a check, in milliseconds: a schema is a caller's, and can ask for any amount of work, with a pattern that tries
 * every way to fit, or with parts that refer to one another twice each. Nothing else happens in the server meanwhile.
 */
const LIMIT = 1000;

/** What came of a check. */
export type SchemaCheck =
  | { readonly kind: 'fits' }
  /** Where the value does not follow the schema, and which keywords say so; the last is the innermost. */
  | { readonly kind: 'misfit'; readonly places: readonly string[] }
  /** The schema refers to what it does not have, holds a pattern that is none, or takes too long. */
  | { readonly kind: 'unusable' };

const context = createContext({ work: (): void => undefined });
const script = new Script('work()');

/** Checks a value against a JSON Schema, in a bounded time. Never throws. */
export function checkSchema(schema: JsonObject, value: unknown): SchemaCheck {
  let check: SchemaCheck = { kind: 'unusable' };
  context['work'] = (): void => {
    const { valid, errors } = new Validator(schema, '2020-12').validate(value);
    const places = errors.map(({ instanceLocation, keyword }) => `${instanceLocation} (${keyword})`);
    check = valid ? { kind: 'fits' } : { kind: 'misfit', places: [...new Set(places)] };
  };
  try {
    script.runInContext(context, { timeout: LIMIT });
  } catch {
    // The library says what it stumbled on, with nothing that a caller could use; and so does the end of the time.
  }
  return check;
}
