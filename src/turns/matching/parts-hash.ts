import { createHash } from 'node:crypto';

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

  /** Returns the hash, in hexadecimal digits. Call it once. */
  digest(): string {
    return this.#hash.update(this.#buffered).digest('hex');
  }
}
