import { setImmediate } from 'node:timers/promises';
import { isMarkedAsUntransferable, MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { ownModule } from '../own-files.js';
import { runInSlices } from './in-slices.js';
import { findExceededLimit } from './json-limits.js';
import { type ParsedJson, parseJson } from './parse-json.js';
import type { ParseResult, ParseTask } from './parse-json.worker.js';
import { ValueBuilder } from './value-pieces.js';
import { WorkerPool } from './worker-pool.js';

/** Bodies of at least this size are parsed off the event loop, and smaller ones that take as long. */
const LARGE_BYTES = 1024 * 1024;
/** Chunks of less than this on average are joined first, as that takes less time than to transfer each. */
const LARGE_CHUNK = 16 * 1024;
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
  // Short, because only the end of a thread frees the memory of a large body.
  idleMs: 1000,
  heapMb: 512,
});

/** The end of what is being received: one after the other, as the slices of several would add up in each turn of the event loop. */
let received = Promise.resolve();

/** Starts the thread for a body of this length while it arrives, if it needs one: that takes as long as parsing some megabytes. */
export function expectBody(length: number): void {
  if (length >= LARGE_BYTES) pool.prepare();
}

/**
 * Parses a body, one that takes long in another thread. The bytes must not be used afterwards, because they may have been transferred.
 *
 * Rejects when the thread dies.
 *
 * @param chunks the body's bytes as they came.
 */
export async function parseJsonBody(chunks: readonly Buffer[]): Promise<ParsedJson> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  // Joined in the other thread: the first use of new memory takes milliseconds for some megabytes.
  if (length >= LARGE_BYTES && length >= chunks.length * LARGE_CHUNK) return parseElsewhere(chunks);
  const bytes = Buffer.concat(chunks);
  return isSlow(bytes) ? parseElsewhere([bytes]) : parseJson(bytes);
}

async function parseElsewhere(chunks: readonly Buffer[]): Promise<ParsedJson> {
  const { port1, port2 } = new MessageChannel();
  try {
    const reason = await pool.run({ chunks, port: port2 }, [...findTransferable(chunks), port2]);
    if (reason !== undefined) return { kind: 'refused', reason };
    // Other work comes first: the thread may have been done before this one went on.
    await setImmediate();
    const value = received.then(() => runInSlices(receive(port1)));
    // Without the value, which would be held until the next one.
    received = value.then(
      () => undefined,
      () => undefined,
    );
    return { kind: 'value', value: await value };
  } finally {
    port1.close();
  }
}

/** Takes the pieces of a value that the other thread has sent. */
function* receive(port: MessagePort): Generator<undefined, unknown> {
  const builder = new ValueBuilder();
  for (let piece = receiveMessageOnPort(port); piece !== undefined; piece = receiveMessageOnPort(port)) {
    builder.add(piece.message);
    yield;
  }
  return builder.value;
}

/** The memory of chunks, of which decoders put several into one. What Node pools for small buffers is copied instead. */
function findTransferable(chunks: readonly Buffer[]): readonly ArrayBuffer[] {
  const buffers = new Set(chunks.map(({ buffer }) => buffer));
  return [...buffers].flatMap((buffer) =>
    buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer) ? [buffer] : [],
  );
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
