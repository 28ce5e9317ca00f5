/** A header as sent: Latin-1, so that it can contain any byte. */
export type Header = readonly [name: string, value: string];

/** Whether a request carries a key of the server: that is known, or not. `open` is a server without keys. */
export type KeyState = 'good' | 'bad' | 'unclear' | 'open';

/** A request as sent. */
export interface FuzzRequest {
  readonly type: 'request';
  readonly number: number;
  /** What it is a case of, for the counts. */
  readonly kind: string;
  readonly method: string;
  /** As it stands in the request line: Latin-1, escaped or not. */
  readonly target: string;
  /** Without those that frame the body. */
  readonly headers: readonly Header[];
  readonly body: Buffer | undefined;
  readonly framing: 'length' | 'chunked';
  readonly key: KeyState;
  /** The tenant of the key that it carries. */
  readonly tenant: string;
  /** A marker in the prompt of the turn that the request starts. */
  readonly marker: string;
  /** The request is valid: the server may reject it only for load. */
  readonly isPlain: boolean;
  /** The caller disconnects early, so the outcome of its request is unknown. */
  readonly leaves: 'after sending' | 'after the first bytes' | undefined;
}

/** Bytes on a connection of their own, which need not be HTTP. */
export interface RawExchange {
  readonly type: 'raw';
  readonly number: number;
  readonly kind: string;
  /** Sent one after the other, with a short pause between each two. */
  readonly writes: readonly Buffer[];
  /** What the caller does then: wait for the server to close or to answer, close its own side, or cut the connection. */
  readonly ending: 'waits' | 'ends' | 'cuts';
  /** How many answers are waited for before the connection is cut. */
  readonly answers: number;
  /** It contains no complete request, so it cannot start a turn. */
  readonly isHalf: boolean;
  readonly marker: string;
}

/** One case of a run. */
export type FuzzCase = FuzzRequest | RawExchange;

/** The server's tenant when it has no keys; see `src/auth/principal.ts`. */
export const LOCAL_TENANT = 'local';

/** The bytes of a request. */
export function bytesOf({ method, target, headers, body, framing }: FuzzRequest): Buffer {
  const framed: readonly Header[] =
    body === undefined
      ? headers
      : [...headers, framing === 'length' ? ['content-length', String(body.length)] : ['transfer-encoding', 'chunked']];
  const head = headBytes(method, target, framed);
  if (body === undefined) return head;
  return Buffer.concat([head, framing === 'length' ? body : chunked(body)]);
}

/** A request line and headers. */
export function headBytes(method: string, target: string, headers: readonly Header[]): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1');
}

function chunked(body: Buffer): Buffer {
  // Three chunks, so that the body never comes as one.
  const size = Math.max(1, Math.ceil(body.length / 3));
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length; at += size) {
    const chunk = body.subarray(at, at + size);
    chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
  }
  return Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
}

/** The value of a header; the first one, of several. */
export function headerOf({ headers }: Pick<FuzzRequest, 'headers'>, name: string): string | undefined {
  return headers.find(([each]) => each.toLowerCase() === name)?.[1];
}
