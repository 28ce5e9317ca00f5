// Runs in a thread of its own. Under test Node itself runs this file, and strips its types: what it imports must end in `.ts`.
import { Validator } from '@cfworker/json-schema';
import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { isJsonObject } from '../domain/json.ts';
import { serve } from './serve.ts';

/** A schema, and the text that is to be JSON which follows it; without a text the schema alone is looked at. */
export interface SchemaTask {
  readonly schema: JsonObject;
  readonly answer: string | undefined;
}

/** What came of a check. */
export type SchemaCheck =
  | { readonly kind: 'fits' }
  | { readonly kind: 'not JSON' }
  /** Where the value does not follow the schema, and which keywords say so; the last is the innermost. */
  | { readonly kind: 'misfit'; readonly places: readonly string[] }
  /** The schema refers to what it does not have, holds a pattern that is none, or takes too long. */
  | { readonly kind: 'unusable' };

/** How many places are reported: a list of a million wrong values has as many. */
const MAX_PLACES = 20;

serve<SchemaTask, SchemaCheck>(({ schema, answer }) => {
  // References are looked up when something is checked, patterns only when there is a text to be checked.
  if (answer === undefined) return hasOnlyPatterns(schema) ? check(schema, null) : { kind: 'unusable' };
  const value = parsed(answer);
  return value === undefined ? { kind: 'not JSON' } : check(schema, value);
});

function check(schema: JsonObject, value: unknown): SchemaCheck {
  try {
    const { valid, errors } = new Validator(schema, '2020-12').validate(value);
    if (valid) return { kind: 'fits' };
    const places = errors.map(({ instanceLocation, keyword }) => `${instanceLocation} (${keyword})`);
    return { kind: 'misfit', places: [...new Set(places)].slice(-MAX_PLACES) };
  } catch {
    // The library says what it stumbled on, with nothing that a caller could use.
    return { kind: 'unusable' };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Any text may be no JSON; `undefined` is none.
    return undefined;
  }
}

/** Whether everything that stands for a pattern is one. */
function hasOnlyPatterns(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (!isJsonObject(value)) return value.every(hasOnlyPatterns);
  const { pattern, patternProperties } = value;
  const patterns = [
    ...(typeof pattern === 'string' ? [pattern] : []),
    ...(isJsonObject(patternProperties) ? Object.keys(patternProperties) : []),
  ];
  return patterns.every(isPattern) && Object.values(value).every(hasOnlyPatterns);
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    // What is wrong with it the caller can find out better than we could say.
    return false;
  }
}
