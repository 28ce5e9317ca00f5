/**
 * How many lists and objects may be in one another: many more than any client has a use for, and few enough for every function that
 * goes down into them.
 */
export const MAX_DEPTH = 256;

/**
 * How many commas, colons, and opening brackets may be in a body, outside its strings: about twice its values. The 100,000 messages
 * that Anthropic's API allows have 500,000; 32 MB could have 15 million, for which JSON.parse takes seconds and a gigabyte.
 */
export const MAX_MARKS = 1_000_000;

/** Why JSON is not parsed. */
export type JsonLimit = 'too deep' | 'too many values';

const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)];
const [OPEN_LIST, CLOSE_LIST] = ['['.charCodeAt(0), ']'.charCodeAt(0)];
const [OPEN_OBJECT, CLOSE_OBJECT] = ['{'.charCodeAt(0), '}'.charCodeAt(0)];
const [COMMA, COLON] = [','.charCodeAt(0), ':'.charCodeAt(0)];

/** How many more of the marks that {@link MAX_MARKS} counts there may be. */
export interface MarkBudget {
  left: number;
}

/**
 * The limit that JSON goes beyond, if any; found in its bytes, as its values could be many.
 *
 * @param budget is used up, so that several texts can have one in common.
 */
export function findExceededLimit(bytes: Uint8Array, budget: MarkBudget = { left: MAX_MARKS }): JsonLimit | undefined {
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
    budget.left -= 1;
    if (budget.left < 0) return 'too many values';
  }
  return undefined;
}

/** The place of the quote that ends a string. Searched for in one go, as nearly all of a large body is in its strings. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let from = start; ;) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote === -1) return bytes.length;
    let backslashes = 0;
    while (quote - backslashes > from && bytes[quote - backslashes - 1] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    from = quote + 1;
  }
}
