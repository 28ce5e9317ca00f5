import type { JsonValue } from './harness-event.js';
import { truncateAtCodePoint } from './surrogates.js';

/** How many characters of a text are processed at a time: a text may fill the 32 MB of a request. */
const SLICE_CHARS = 16 * 1024;

/** Splits a text into slices, but not within a surrogate pair, whose halves would be encoded differently. */
export function* splitIntoSlices(text: string): Generator<string, void> {
  for (let start = 0; start < text.length;) {
    const slice = truncateAtCodePoint(text.slice(start, start + SLICE_CHARS), SLICE_CHARS);
    yield slice;
    start += slice.length;
  }
}

/** Serializes a value to the very text that `JSON.stringify` makes of it, in slices, so that a large one need not block the event loop. */
export function* toJsonSlices(value: JsonValue): Generator<string, void> {
  if (typeof value === 'string') {
    yield '"';
    for (const slice of splitIntoSlices(value)) yield JSON.stringify(slice).slice(1, -1);
    yield '"';
  } else if (typeof value !== 'object' || value === null || !isLongerThan(value, SLICE_CHARS)) {
    yield JSON.stringify(value);
  } else {
    // Short members are joined: a slice for each would take longer than to serialize them.
    let slice = isList(value) ? '[' : '{';
    let before = '';
    for (const [name, member] of isList(value) ? value.entries() : Object.entries(value)) {
      const isName = typeof name === 'string';
      // An optional field that is not there; in a list, it is `null`.
      if (isName && member === undefined) continue;
      slice += isName ? `${before}${JSON.stringify(name)}:` : before;
      before = ',';
      const isLong = isLongerThan(member, SLICE_CHARS);
      if (!isLong) slice += JSON.stringify(member ?? null);
      if (isLong || slice.length >= SLICE_CHARS) {
        yield slice;
        slice = '';
      }
      if (isLong) yield* toJsonSlices(member ?? null);
    }
    yield slice + (isList(value) ? ']' : '}');
  }
}

/** Whether the JSON of a value has more than `limit` characters, about. Looks at no more than that many values. */
export function isLongerThan(value: JsonValue | undefined, limit: number): boolean {
  return countDown(value, limit) < 0;
}

function countDown(value: JsonValue | undefined, limit: number): number {
  if (typeof value === 'string') return limit - value.length;
  let left = limit - 1;
  if (typeof value !== 'object' || value === null) return left;
  if (isList(value)) {
    for (let index = 0; index < value.length && left >= 0; index += 1) left = countDown(value[index], left);
    return left;
  }
  for (const name in value) {
    if (left < 0) return left;
    if (Object.hasOwn(value, name)) left = countDown(value[name], left - name.length);
  }
  return left;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
