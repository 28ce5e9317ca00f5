import { MessageChannel } from 'node:worker_threads';
import { ownModule } from '../own-files.js';
import { type ParsedJson, parseJson } from './parse-json.js';
import type { ParseResult, ParseTask } from './parse-json.worker.js';
import { type Piece, ValueBuilder } from './value-pieces.js';
import { WorkerPool } from './worker-pool.js';

/** Bodies of at least this size are parsed off the event loop; a smaller one takes some milliseconds at most. */
const LARGE_BYTES = 1024 * 1024;

const pool = new WorkerPool<ParseTask, ParseResult>({
  name: 'JSON parser',
  module: ownModule('workers/parse-json.worker'),
  size: 2,
  // Short, because only the end of a thread frees the memory of a large body; starting another takes some tens of ms.
  idleMs: 1000,
  heapMb: 512,
});

/**
 * Parses a body, a large one in another thread. The bytes must not be used afterwards, because they may have been transferred.
 *
 * Rejects when the thread dies.
 */
export async function parseJsonBody(bytes: Buffer): Promise<ParsedJson> {
  if (bytes.length < LARGE_BYTES) return parseJson(bytes);
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
