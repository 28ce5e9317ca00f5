import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { mendedJson } from '../harness/json.js';
import { AnthropicException, badRequest } from '../translator/anthropic.exception.js';

/** Largest body, in bytes, as sent and as decoded: the limit of Anthropic's own Messages API. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;

/**
 * How many lists and objects may be in one another: many more than any client has a use for, and few enough for every function that
 * goes down into them.
 */
export const MAX_DEPTH = 256;

/** Largest window of zstd, as a power of two: what RFC 9659 allows in HTTP. A frame may ask for 2 GB of memory. */
const ZSTD_WINDOW_LOG = 23;

/**
 * How much is unpacked at a time, in bytes. Each time waits for its turn of the event loop: with Node's 16 kB a large body takes
 * seconds on a busy server.
 */
const UNPACKED_CHUNK = 256 * 1024;

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: () => createGunzip({ chunkSize: UNPACKED_CHUNK }),
  'x-gzip': () => createGunzip({ chunkSize: UNPACKED_CHUNK }),
  deflate: () => createInflate({ chunkSize: UNPACKED_CHUNK }),
  br: () => createBrotliDecompress({ chunkSize: UNPACKED_CHUNK }),
  zstd: () =>
    createZstdDecompress({
      chunkSize: UNPACKED_CHUNK,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
    }),
};

/**
 * Reads and parses a JSON body. Nothing is kept of a body that is too large: it is refused by its `content-length`, or as
 * soon as the limit is passed.
 *
 * What is no character in its strings becomes U+FFFD; see {@link mendedJson}.
 *
 * @throws AnthropicException 413 for a body over {@link MAX_BODY_BYTES}, 400 for one that is not JSON or nested deeper than
 * {@link MAX_DEPTH}, 415 for an unknown `content-encoding`.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const bytes = withoutByteOrderMark(await readBytes(request));
  if (isNestedTooDeep(bytes)) {
    throw badRequest(
      `The request body is nested too deep: at most ${MAX_DEPTH} lists and objects may be in one another.`,
    );
  }
  try {
    return JSON.parse(mendedJson(bytes.toString('utf8')));
  } catch {
    // The parser's own message quotes the body, so it is not passed on.
    throw badRequest('The request body is not valid JSON.');
  }
}

/** RFC 8259 lets a parser ignore a byte order mark; `JSON.parse` does not, and .NET and PowerShell write one. */
function withoutByteOrderMark(bytes: Buffer): Buffer {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    // Read to its end and thrown away: a client that is still sending would not read the answer.
    request.resume();
    return Promise.reject(tooLarge());
  }
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return gather(request, request);
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined) {
    request.resume();
    const message = 'content-encoding must be gzip, deflate, br, zstd or absent';
    return Promise.reject(new AnthropicException('invalid_request_error', message, { status: 415 }));
  }
  return gather(request.pipe(decoder()), request);
}

/** The bytes of a body, read from the request itself or from what unpacks it. */
function gather(source: IncomingMessage | Transform, request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    // The rest is read and thrown away: a client that is still sending would not read the answer.
    const refuse = (refusal: AnthropicException): void => {
      reject(refusal);
      chunks.length = 0;
      if (source !== request) {
        request.unpipe();
        // What it has been given may unpack to a million times as much.
        source.destroy();
      }
      request.resume();
    };
    source.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
      else refuse(tooLarge());
    });
    source.on('end', () => resolve(Buffer.concat(chunks, Math.min(length, MAX_BODY_BYTES))));
    source.on('error', () => refuse(badRequest('The request body could not be read as its headers describe it.')));
    // A request that was read to its end closes too, and a decoder may still be at work then.
    request.on('close', () => {
      if (!request.complete) refuse(badRequest('The request ended before its body.'));
    });
  });
}

const [QUOTE, BACKSLASH] = ['"'.charCodeAt(0), '\\'.charCodeAt(0)];
const [OPEN_LIST, CLOSE_LIST] = ['['.charCodeAt(0), ']'.charCodeAt(0)];
const [OPEN_OBJECT, CLOSE_OBJECT] = ['{'.charCodeAt(0), '}'.charCodeAt(0)];

/** Whether JSON goes deeper than {@link MAX_DEPTH}; found in its bytes, as its values could be many. */
function isNestedTooDeep(bytes: Buffer): boolean {
  // A small body cannot, unless it is no JSON.
  if (bytes.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) {
      index = endOfString(bytes, index + 1);
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth -= 1;
    }
  }
  return false;
}

/** The place of the quote that ends a string. Searched for in one go, as nearly all of a large body is in its strings. */
function endOfString(bytes: Buffer, start: number): number {
  for (let from = start; ;) {
    const quote = bytes.indexOf(QUOTE, from);
    if (quote === -1) return bytes.length;
    let backslashes = 0;
    while (quote - backslashes > from && bytes[quote - backslashes - 1] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
    from = quote + 1;
  }
}

function tooLarge(): AnthropicException {
  return new AnthropicException('request_too_large', `The request body is larger than ${MAX_BODY_BYTES} bytes.`);
}
