import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { AnthropicException, badRequest } from '../translator/anthropic.exception.js';

/** Largest body, in bytes, as sent and as decoded: the limit of Anthropic's own Messages API. */
export const MAX_BODY_BYTES = 32 * 1024 * 1024;

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/**
 * Reads and parses a JSON body. Nothing is kept of a body that is too large: it is refused by its `content-length`, or as
 * soon as the limit is passed.
 *
 * @throws AnthropicException 413 for a body over {@link MAX_BODY_BYTES}, 400 for one that is not JSON, 415 for an unknown
 * `content-encoding`.
 */
export async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  const bytes = await readBytes(request);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    // The parser's own message quotes the body, so it is not passed on.
    throw badRequest('The request body is not valid JSON.');
  }
}

function readBytes(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) {
    // Read to its end and thrown away: a client that is still sending would not read the answer.
    request.resume();
    return Promise.reject(tooLarge());
  }
  const encoding = request.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity' || encoding === '') return gather(request, request);
  const decoder = Object.entries(DECODERS).find(([name]) => name === encoding)?.[1];
  if (decoder === undefined) {
    request.resume();
    const message = 'content-encoding must be gzip, deflate, br, zstd or absent';
    return Promise.reject(new AnthropicException('invalid_request_error', message, { status: 415 }));
  }
  // `gather` hears of every failure from the decoder itself.
  return gather(
    pipeline(request, decoder(), () => undefined),
    request,
  );
}

function gather(source: NodeJS.ReadableStream, request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    source.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) {
        chunks.push(chunk);
        return;
      }
      chunks.length = 0;
      reject(tooLarge());
      if (source !== request) request.unpipe();
      request.resume();
    });
    source.on('end', () => resolve(Buffer.concat(chunks, Math.min(length, MAX_BODY_BYTES))));
    source.on('error', () => reject(badRequest('The request body could not be read as its headers describe it.')));
    // A request that was read to its end closes too, and a decoder may still be at work then.
    request.on('close', () => {
      if (!request.complete) reject(badRequest('The request ended before its body.'));
    });
  });
}

function tooLarge(): AnthropicException {
  return new AnthropicException('request_too_large', `The request body is larger than ${MAX_BODY_BYTES} bytes.`);
}
