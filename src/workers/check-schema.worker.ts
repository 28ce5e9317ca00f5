// Runs in its own thread. Under test Node runs this file directly and strips its types, so its imports must end in `.ts`.
import { Validator } from '@cfworker/json-schema';
import type { JsonObject, JsonValue } from '../domain/harness-event.js';
import { isJsonObject } from '../domain/json.ts';
import { serve } from './serve.ts';

/** A schema, and the text to validate against it; without a text only the schema is checked. */
export interface SchemaTask {
  readonly schema: JsonObject;
  readonly answer: string | undefined;
}

/** The result of a check. */
export type SchemaCheck =
  | { readonly kind: 'valid' }
  | { readonly kind: 'not JSON' }
  /** Location and keyword of each violation; the last is the innermost. */
  | { readonly kind: 'invalid'; readonly violations: readonly string[] }
  /** The schema has an unresolvable `$ref` or an invalid pattern, or its check takes too long. */
  | { readonly kind: 'unusable-schema' };

/** Most violations to report: a list of a million wrong values has a million of them. */
const MAX_VIOLATIONS = 20;

serve<SchemaTask, SchemaCheck>(({ schema, answer }) => {
  // The library resolves references in any check, but compiles patterns only against a text.
  if (answer === undefined) return hasValidPatterns(schema) ? check(schema, null) : { kind: 'unusable-schema' };
  const value = parseOrUndefined(answer);
  return value === undefined ? { kind: 'not JSON' } : check(schema, value);
});

function check(schema: JsonObject, value: unknown): SchemaCheck {
  try {
    const { valid, errors } = new Validator(schema, '2020-12').validate(value);
    if (valid) return { kind: 'valid' };
    const violations = errors.map(({ instanceLocation, keyword }) => `${instanceLocation} (${keyword})`);
    return { kind: 'invalid', violations: [...new Set(violations)].slice(-MAX_VIOLATIONS) };
  } catch {
    // The library's message has nothing that a caller could use.
    return { kind: 'unusable-schema' };
  }
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Invalid JSON is an expected result; no JSON text parses to `undefined`.
    return undefined;
  }
}

/** Whether every pattern in the schema is a valid regular expression. */
function hasValidPatterns(value: JsonValue): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (!isJsonObject(value)) return value.every(hasValidPatterns);
  const { pattern, patternProperties } = value;
  const patterns = [
    ...(typeof pattern === 'string' ? [pattern] : []),
    ...(isJsonObject(patternProperties) ? Object.keys(patternProperties) : []),
  ];
  return patterns.every(isPattern) && Object.values(value).every(hasValidPatterns);
}

function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    // The engine's message is not reported: callers find out more with their own tools.
    return false;
  }
}
