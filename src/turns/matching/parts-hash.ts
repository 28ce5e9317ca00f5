import { createHash } from 'node:crypto';
import type { JsonValue } from '../../domain/harness-event.js';
import { splitIntoSlices, toJsonSlices } from '../../domain/json-slices.js';
import { encodeWithoutSpaces } from './without-spaces.js';

/** Parts of at least this many characters are hashed without joining: joining megabytes takes longer than hashing them. */
const LONG_PART = 1024;

/** Hashes a sequence of texts. Buffers short ones, because each call of the hash has a cost. */
export class PartsHash {
  readonly #hash = createHash('sha256');
  #buffered = '';

  /** Adds texts, each with a delimiter after it. */
  push(...parts: readonly string[]): void {
    for (const part of parts) {
      this.appendUndelimited(part);
      this.appendUndelimited('\u0000');
    }
  }

  /** Adds a text without a delimiter after it. */
  appendUndelimited(text: string): void {
    if (text.length >= LONG_PART) {
      this.#hash.update(this.#buffered).update(text);
      this.#buffered = '';
    } else {
      this.#buffered += text;
      if (this.#buffered.length < LONG_PART) return;
      this.#hash.update(this.#buffered);
      this.#buffered = '';
    }
  }

  /** Adds a text without its white space, and without a delimiter after it. */
  appendWithoutSpaces(text: string): void {
    if (text.length < LONG_PART) {
      this.appendUndelimited(text.replaceAll(/\s+/g, ''));
    } else {
      this.#hash.update(this.#buffered).update(encodeWithoutSpaces(text));
      this.#buffered = '';
    }
  }

  /** Returns the hash, in hexadecimal digits. Call it once. */
  digest(): string {
    return this.#hash.update(this.#buffered).digest('hex');
  }
}

/** Pushes a text that may be long, slice by slice. */
export function pushText(text: string, parts: PartsHash): Generator<undefined, void> {
  return pushSlices(splitIntoSlices(text), parts);
}

/** Pushes the JSON of a value that may be large, slice by slice. */
export function pushJson(value: JsonValue, parts: PartsHash): Generator<undefined, void> {
  return pushSlices(toJsonSlices(value), parts);
}

function* pushSlices(slices: Iterable<string>, parts: PartsHash): Generator<undefined, void> {
  for (const slice of slices) {
    parts.appendUndelimited(slice);
    yield;
  }
  parts.push('');
}
