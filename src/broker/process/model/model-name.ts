const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

const WHITE_SPACE = new Set(Buffer.from(' \t\r\n'));
/** What JSON has outside of strings besides brackets, commas and colons: numbers, `true`, `false`, `null`, white space. */
const PLAIN = new Set([...Buffer.from('0123456789+-.eEtrufalsn'), ...WHITE_SPACE]);

/** The longest key or model name that is read. */
const MAX_BYTES = 1000;

/**
 * Finds the model that a JSON body asks for while its bytes pass by, so that no body has to be held or parsed as a whole: a hostile one of tens of
 * megabytes would stop all threads for seconds. Takes only bodies that every parser reads alike: with one key `model`, in any case of letters (Go's
 * parser ignores the case), and a string as its value.
 */
export class ModelNameReader {
  #depth = 0;
  /** The bytes of the string that is being read; `undefined` outside of strings. */
  #string: number[] | undefined;
  #isEscaped = false;
  #isKey = true;
  #key: string | undefined;
  #names: (string | undefined)[] = [];
  #isOver = false;
  #isOdd = false;

  /** Takes the next bytes of the body. */
  push(chunk: Uint8Array): void {
    for (const byte of chunk) {
      if (this.#string === undefined) this.#takeOutside(byte);
      else this.#takeInside(this.#string, byte);
    }
  }

  /** Whether the body is not a JSON object with one model. Once true, it stays so. */
  get isOdd(): boolean {
    return this.#isOdd || this.#names.length > 1 || (this.#isOver && this.#names[0] === undefined);
  }

  /** The model, once it was read. */
  get model(): string | undefined {
    return this.#names[0];
  }

  #takeOutside(byte: number): void {
    if (this.#isOver || this.#depth === 0) {
      if (byte === OPEN_BRACE && !this.#isOver) this.#depth = 1;
      else if (!WHITE_SPACE.has(byte)) this.#isOdd = true;
      return;
    }
    if (byte === QUOTE) this.#string = [];
    else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) this.#depth += 1;
    else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth -= 1;
    else if (byte !== COMMA && byte !== COLON && !PLAIN.has(byte)) this.#isOdd = true;
    if (this.#depth === 0) this.#isOver = true;
    if (this.#depth !== 1) return;
    if (byte === COLON) this.#isKey = false;
    if (byte === COMMA) this.#isKey = true;
  }

  #takeInside(string: number[], byte: number): void {
    if (!this.#isEscaped && byte === QUOTE) {
      this.#string = undefined;
      if (this.#depth === 1) this.#takeString(string);
      return;
    }
    // A text of megabytes is of no interest.
    if (string.length <= MAX_BYTES && this.#depth === 1) string.push(byte);
    this.#isEscaped = !this.#isEscaped && byte === BACKSLASH;
    if (byte < 0x20) this.#isOdd = true;
  }

  #takeString(bytes: readonly number[]): void {
    if (!this.#isKey) {
      if (this.#key !== 'model') return;
      const name = decode(bytes);
      if (name === undefined) this.#isOdd = true;
      this.#names[0] = name;
      this.#key = undefined;
      return;
    }
    this.#key = decode(bytes);
    // An unreadable key could be any.
    if (this.#key === undefined) this.#isOdd = true;
    if (this.#key?.toLowerCase() === 'model') this.#names.push(undefined);
  }
}

/** The text of a JSON string; `undefined` for one that is none, or too long. */
function decode(bytes: readonly number[]): string | undefined {
  if (bytes.length > MAX_BYTES) return undefined;
  try {
    return String(JSON.parse(`"${Buffer.from(bytes).toString('utf8')}"`));
  } catch {
    return undefined;
  }
}
