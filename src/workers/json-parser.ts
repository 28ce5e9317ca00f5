import { extname } from 'node:path';
import { MessageChannel } from 'node:worker_threads';
import { type ParsedJson, parseJson } from './parse-json.js';
import type { ParseResult, ParseTask } from './parse-json.worker.js';
import { type Piece, ValueBuilder } from './value-pieces.js';
import { WorkerPool } from './worker-pool.js';

/** From this size on, in bytes, a body is parsed beside the event loop: a smaller one takes some milliseconds at most. */
const LARGE = 1024 * 1024;

const pool = new WorkerPool<ParseTask, ParseResult>({
  name: 'JSON parser',
  // The file beside this one: `.js` when built, `.ts` under test.
  module: new URL(`parse-json.worker${extname(import.meta.url)}`, import.meta.url),
  size: 2,
  // Short, as only its end gives back what a large body took; starting another takes a few hundredths of a second.
  idleMs: 1000,
  heap: 512,
});

/**
 * Parses a body, a large one in another thread. The bytes are not to be used afterwards.
 *
 * Rejects when the thread dies.
 */
export async function parseJsonBody(bytes: Buffer): Promise<ParsedJson> {
  if (bytes.length < LARGE) return parseJson(bytes);
  const { port1, port2 } = new MessageChannel();
  const builder = new ValueBuilder();
  port1.on('message', (piece: Piece) => {
    builder.add(piece);
    port1.postMessage(undefined);
  });
  try {
    const { buffer } = bytes;
    const transfer = buffer instanceof ArrayBuffer ? [buffer, port2] : [port2];
    const reason = await pool.run({ bytes, port: port2 }, transfer);
    return reason === undefined ? { kind: 'value', value: builder.value } : { kind: 'refused', reason };
  } finally {
    port1.close();
  }
}
