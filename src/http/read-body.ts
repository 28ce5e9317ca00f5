import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { ServiceError } from '../domain/service-error.js';
import { MAX_DEPTH, MAX_MARKS } from '../workers/json-limits.js';
import { expectBody, parseJsonBody } from '../workers/json-parser.js';

/** Maximum size of a body, both encoded and decoded: the limit of Anthropic's Messages API. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Maximum zstd window, as a power of two: the limit of RFC 9659 for HTTP. Without it a frame may request 2 GB of memory. */
const ZSTD_WINDOW_LOG = 23;

/**
 * How many bytes are decoded at a time. Each chunk waits for the event loop: with Node's 16 kB a large body takes seconds on a busy
 * server.
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
 * Reads and parses a JSON body. A body that is too large is not buffered: it is refused by its `content-length`, or as soon as it
 * exceeds the limit.
 *
 * @throws ServiceError `too_large` for a body over {@link MAX_BODY_BYTES}, `bad_request` for one that is not JSON or exceeds a limit of
 * the parser, `unsupported_media_type` for an unknown `content-encoding`, `request_timeout` for one that stalls.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const parsed = await parseJsonBody(await readChunks(request));
  if (parsed.kind === 'value') return parsed.value;
  switch (parsed.reason) {
    case 'too deep':
      throw new ServiceError('bad_request', `The request body exceeds the maximum nesting depth of ${MAX_DEPTH}.`);
    case 'too many values':
      throw new ServiceError('bad_request', `The request body has too many values: at most about ${MAX_MARKS / 2}.`);
    case 'not JSON':
      throw new ServiceError('bad_request', 'The request body is not valid JSON.');
    default:
      return parsed.reason satisfies never;
  }
}

function readChunks(request: IncomingMessage): Promise<readonly Buffer[]> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > MAX_BODY_BYTES) {
    // Drain and discard the body: a client that is still sending would not read the answer.
    request.resume();
    return Promise.reject(tooLarge());
  }
  expectBody(announced);
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return gather(request, request);
  const decoder = Object.hasOwn(DECODERS, encoding) ? DECODERS[encoding] : undefined;
  if (decoder === undefined) {
    request.resume();
    const message = 'content-encoding must be gzip, deflate, br, zstd or absent';
    return Promise.reject(new ServiceError('unsupported_media_type', message));
  }
  return gather(request.pipe(decoder()), request);
}

/** Who waits for a body. */
interface Waiting {
  readonly resolve: (chunks: readonly Buffer[]) => void;
  readonly reject: (refusal: ServiceError) => void;
}

/** Reads the bytes of a body from the request or from its decoder. */
function gather(source: IncomingMessage | Transform, request: IncomingMessage): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    // The caller left before anybody read, as while the guard asked the store: no event comes any more.
    if (request.destroyed) {
      reject(new ServiceError('bad_request', 'The request ended before its body.'));
      return;
    }
    // Both are forgotten at the end, and most listeners removed. The request lives as long as its answer, and its listeners would keep the body until then.
    let chunks: Buffer[] = [];
    let waiting: Waiting | undefined = { resolve, reject };
    let length = 0;
    // Drain and discard the body: a client that is still sending would not read the answer.
    const refuse = (refusal: ServiceError): void => {
      waiting?.reject(refusal);
      chunks = [];
      if (source !== request) {
        request.unpipe();
        // Its input may decode to a million times its size.
        source.destroy();
      }
      request.resume();
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
      else refuse(tooLarge());
    };
    const onError = (): void =>
      refuse(new ServiceError('bad_request', 'The request body could not be decoded with the given content-encoding.'));
    const onTimeout = (): void => refuse(tooSlow());
    const onClose = (): void => {
      if (!request.complete) refuse(new ServiceError('bad_request', 'The request ended before its body.'));
    };
    const onEnd = (): void => {
      waiting?.resolve(chunks);
      waiting = undefined;
      chunks = [];
      // A decoder may have ended before its request has.
      if (source !== request) return;
      request
        .off('data', onData)
        .off('end', onEnd)
        .off('error', onError)
        .off('timeout', onTimeout)
        .off('close', onClose);
    };
    source.on('data', onData);
    source.on('end', onEnd);
    source.on('error', onError);
    // The body has stalled; `http-server.ts` is about to close the connection.
    request.on('timeout', onTimeout);
    // A complete request closes too, while a decoder may still be working.
    request.on('close', onClose);
  });
}

function tooSlow(): ServiceError {
  return new ServiceError('request_timeout', 'The request took too long to arrive.', { closesConnection: true });
}

function tooLarge(): ServiceError {
  return new ServiceError('too_large', `The request body is larger than ${MAX_BODY_BYTES} bytes.`);
}
