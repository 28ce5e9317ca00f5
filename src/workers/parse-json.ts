import { sanitizeJsonText } from '../domain/sanitize-json-text.ts';
import { type JsonLimit, findExceededLimit } from './json-limits.ts';

/** The result of parsing JSON text: its value, or why it was refused. */
export type ParsedJson =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly reason: JsonLimit | 'not JSON' };

/** Parses a body. Invalid characters in its strings become U+FFFD; see {@link sanitizeJsonText}. */
export function parseJson(body: Buffer): ParsedJson {
  const bytes = withoutByteOrderMark(body);
  const limit = findExceededLimit(bytes);
  if (limit !== undefined) return { kind: 'refused', reason: limit };
  try {
    const value: unknown = JSON.parse(sanitizeJsonText(bytes.toString('utf8')));
    return { kind: 'value', value };
  } catch {
    // The parser's message is not passed on, because it quotes the body.
    return { kind: 'refused', reason: 'not JSON' };
  }
}

/** Strips a byte order mark, as RFC 8259 allows: .NET and PowerShell write one, and `JSON.parse` rejects it. */
function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
