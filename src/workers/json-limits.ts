/**
 * Deepest nesting of lists and objects: far more than any client needs, and little enough for recursive functions.
 */
export const MAX_DEPTH = 256;

/**
 * Most commas, colons and opening brackets in a body, outside its strings: about two per value. The 100,000 messages that Anthropic's
 * API allows have 500,000; 32 MB could hold 15 million, for which JSON.parse takes seconds and a gigabyte.
 */
export const MAX_MARKS = 1_000_000;

/** The limit that JSON exceeds. */
export type JsonLimit = 'too deep' | 'too many values';

const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)];
const [OPEN_LIST, CLOSE_LIST] = ['['.charCodeAt(0), ']'.charCodeAt(0)];
const [OPEN_OBJECT, CLOSE_OBJECT] = ['{'.charCodeAt(0), '}'.charCodeAt(0)];
const [COMMA, COLON] = [','.charCodeAt(0), ':'.charCodeAt(0)];

/** How many more marks, as counted by {@link MAX_MARKS}, are allowed. */
export interface MarkBudget {
  remaining: number;
}

/**
 * Finds the limit that JSON exceeds, if any. It scans the bytes, because parsing could already create too many values.
 *
 * @param budget is decremented, so that several texts can share one.
 */
export function findExceededLimit(
  bytes: Uint8Array,
  budget: MarkBudget = { remaining: MAX_MARKS },
): JsonLimit | undefined {
  let depth = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    switch (bytes[index]) {
      case QUOTE:
        index = endOfString(bytes, index + 1);
        continue;
      case OPEN_LIST:
      case OPEN_OBJECT:
        depth += 1;
        if (depth > MAX_DEPTH) return 'too deep';
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        depth -= 1;
        continue;
      case COMMA:
      case COLON:
        break;
      default:
        continue;
    }
    budget.remaining -= 1;
    if (budget.remaining < 0) return 'too many values';
  }
  return undefined;
}

/** How many bytes of a string are looked at one by one: a call of `indexOf` costs as much. */
const NEAR_BYTES = 64;

/** Finds the quote that ends a string. Uses `indexOf` for a long one, because most bytes of a large body are in such strings. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let from = start; ;) {
    for (const near = Math.min(from + NEAR_BYTES, bytes.length); from < near; from += 1) {
      if (bytes[from] === QUOTE) return from;
      if (bytes[from] === BACKSLASH) from += 1;
    }
    const quote = bytes.indexOf(QUOTE, from);
    if (quote === -1) return bytes.length;
    let backslashes = 0;
    while (quote - backslashes > from && bytes[quote - backslashes - 1] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    from = quote + 1;
  }
}
