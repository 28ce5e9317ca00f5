import { sanitizeJsonText } from '../domain/json.ts';
import { type JsonLimit, findExceededLimit } from './json-limits.ts';

/** What came of JSON text: a value, or why there is none. */
export type ParsedJson =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly reason: JsonLimit | 'not JSON' };

/** Parses a body. What is no character in its strings becomes U+FFFD; see {@link sanitizeJsonText}. */
export function parseJson(bytes: Buffer): ParsedJson {
  const limit = findExceededLimit(bytes);
  if (limit !== undefined) return { kind: 'refused', reason: limit };
  try {
    const value: unknown = JSON.parse(sanitizeJsonText(bytes.toString('utf8')));
    return { kind: 'value', value };
  } catch {
    // The parser's own message quotes the body, so it is not passed on.
    return { kind: 'refused', reason: 'not JSON' };
  }
}
