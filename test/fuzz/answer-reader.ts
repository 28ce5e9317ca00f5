/** One HTTP response as it was read. */
export interface Answer {
  readonly status: number;
  /** By lower-case name, each with all its values, in Latin-1. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly body: Buffer;
  /** Whether it is complete: it has its full content-length or its last chunk. */
  readonly isWhole: boolean;
}

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly framing: 'none' | 'chunked' | 'until close' | number;
}

/** Thrown for bytes that are not an HTTP response. */
export class NotAnAnswer extends Error {}

/** Parses the responses on one connection strictly: errors that a lenient client overlooks throw here. */
export class AnswerReader {
  readonly #methods: string[] = [];
  #bytes: Buffer = Buffer.alloc(0);
  #head: Head | undefined;
  #body: Buffer[] = [];

  /** Registers a sent request; the response to a HEAD has no body. */
  expect(method: string): void {
    this.#methods.push(method);
  }

  /** Whether a response has begun that has not ended. */
  get isInside(): boolean {
    return this.#head !== undefined || this.#bytes.length > 0;
  }

  /** The head of the response that has begun: its status and headers. */
  get begun(): Pick<Answer, 'status' | 'headers'> | undefined {
    return this.#head;
  }

  /** The responses that these bytes complete. @throws NotAnAnswer */
  push(chunk: Buffer): readonly Answer[] {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const answers: Answer[] = [];
    for (let answer = this.#next(); answer !== undefined; answer = this.#next()) answers.push(answer);
    return answers;
  }

  /** The connection is closed: the response that this ends, or breaks off. */
  end(): Answer | undefined {
    if (this.#head === undefined) return undefined;
    this.#body.push(this.#bytes);
    return this.#finish(this.#head.framing === 'until close');
  }

  #next(): Answer | undefined {
    this.#head ??= this.#readHead();
    if (this.#head === undefined) return undefined;
    const { framing } = this.#head;
    if (framing === 'none') return this.#finish(true);
    if (framing === 'chunked') return this.#readChunks() ? this.#finish(true) : undefined;
    if (framing === 'until close' || this.#bytes.length < framing) return undefined;
    this.#body.push(this.#take(framing));
    return this.#finish(true);
  }

  #readHead(): Head | undefined {
    for (;;) {
      const end = this.#bytes.indexOf('\r\n\r\n');
      if (end === -1) {
        const start = this.#bytes.subarray(0, 7).toString('latin1');
        if (!'HTTP/1.'.startsWith(start)) throw new NotAnAnswer(`bytes where a response begins: ${this.#excerpt()}`);
        return undefined;
      }
      const [statusLine = '', ...lines] = this.#bytes.subarray(0, end).toString('latin1').split('\r\n');
      const status = Number(/^HTTP\/1\.[01] (\d{3}) [^\r\n]*$/.exec(statusLine)?.[1]);
      if (Number.isNaN(status)) throw new NotAnAnswer(`not a status line: ${this.#excerpt()}`);
      this.#take(end + 4);
      // An interim response, such as `100 Continue`, is followed by the real one.
      if (status >= 200) return headOf(status, lines, this.#methods.shift() ?? 'GET');
    }
  }

  #readChunks(): boolean {
    for (;;) {
      const lineEnd = this.#bytes.indexOf('\r\n');
      if (lineEnd === -1) return false;
      const line = this.#bytes.subarray(0, lineEnd).toString('latin1');
      if (!/^[0-9a-f]+$/i.test(line)) throw new NotAnAnswer(`not a chunk: ${this.#excerpt()}`);
      const size = Number.parseInt(line, 16);
      if (this.#bytes.length < lineEnd + 2 + size + 2) return false;
      this.#take(lineEnd + 2);
      this.#body.push(this.#take(size));
      if (this.#take(2).toString('latin1') !== '\r\n') throw new NotAnAnswer(`a chunk without end: ${this.#excerpt()}`);
      if (size === 0) return true;
    }
  }

  #finish(isWhole: boolean): Answer {
    const { status, headers } = this.#head ?? { status: 0, headers: new Map<string, readonly string[]>() };
    const body = Buffer.concat(this.#body);
    this.#head = undefined;
    this.#body = [];
    return { status, headers, body, isWhole };
  }

  #take(length: number): Buffer {
    const taken = this.#bytes.subarray(0, length);
    this.#bytes = this.#bytes.subarray(length);
    return taken;
  }

  #excerpt(): string {
    return JSON.stringify(this.#bytes.subarray(0, 60).toString('latin1'));
  }
}

function headOf(status: number, lines: readonly string[], method: string): Head {
  const headers = new Map<string, string[]>();
  for (const line of lines) {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+): ?(.*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) throw new NotAnAnswer(`not a header: ${JSON.stringify(line)}`);
    const values = headers.get(name.toLowerCase()) ?? [];
    headers.set(name.toLowerCase(), [...values, value]);
  }
  const length = headers.get('content-length');
  const isChunked = headers.get('transfer-encoding')?.at(-1)?.toLowerCase() === 'chunked';
  if (method === 'HEAD' || status === 204 || status === 304) return { status, headers, framing: 'none' };
  if (isChunked) return { status, headers, framing: 'chunked' };
  return { status, headers, framing: length === undefined ? 'until close' : Number(length[0]) };
}
