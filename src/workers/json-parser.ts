import { MessageChannel } from 'node:worker_threads';
import { ownModule } from '../own-files.js';
import { findExceededLimit } from './json-limits.js';
import { type ParsedJson, parseJson } from './parse-json.js';
import type { ParseResult, ParseTask } from './parse-json.worker.js';
import { type Piece, ValueBuilder } from './value-pieces.js';
import { WorkerPool } from './worker-pool.js';

/** Bodies of at least this size are parsed off the event loop, and smaller ones that take as long. */
const LARGE_BYTES = 1024 * 1024;
/** Below this, nothing takes longer than a millisecond or two. */
const SMALL_BYTES = 16 * 1024;
/** Most marks, as counted by `MAX_MARKS`, of a body that is parsed on the event loop: objects in objects take half a microsecond each. */
const MAX_MARKS_HERE = 10_000;
/** Most escapes of surrogates, which are looked at one by one, in such a body. */
const MAX_SURROGATES_HERE = 5_000;

const pool = new WorkerPool<ParseTask, ParseResult>({
  name: 'JSON parser',
  module: ownModule('workers/parse-json.worker'),
  size: 2,
  // Short, because only the end of a thread frees the memory of a large body; starting another takes some tens of ms.
  idleMs: 1000,
  heapMb: 512,
});

/**
 * Parses a body, one that takes long in another thread. The bytes must not be used afterwards, because they may have been transferred.
 *
 * Rejects when the thread dies.
 */
export async function parseJsonBody(bytes: Buffer): Promise<ParsedJson> {
  if (!isSlow(bytes)) return parseJson(bytes);
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

function isSlow(bytes: Buffer): boolean {
  if (bytes.length < SMALL_BYTES) return false;
  if (bytes.length >= LARGE_BYTES || findExceededLimit(bytes, { remaining: MAX_MARKS_HERE }) === 'too many values')
    return true;
  return ['\\ud', '\\uD'].some((escape) => hasMore(bytes, escape, MAX_SURROGATES_HERE));
}

function hasMore(bytes: Buffer, text: string, limit: number): boolean {
  let count = 0;
  for (let at = bytes.indexOf(text); at !== -1 && count <= limit; at = bytes.indexOf(text, at + text.length))
    count += 1;
  return count > limit;
}
