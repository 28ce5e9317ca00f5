// Runs in a thread of its own. Under test Node itself runs this file, and strips its types: what it imports must end in `.ts`.
import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { type ParsedJson, parseJson } from './parse-json.ts';
import { serve } from './serve.ts';
import { serializeInPieces } from './value-pieces.ts';

/** A body to be parsed, and where its value is to go: a piece at a time, each after the one before was taken. */
export interface ParseTask {
  readonly bytes: Uint8Array;
  readonly port: MessagePort;
}

/** Why there is no value; `undefined` when all of it was sent. */
export type ParseResult = Extract<ParsedJson, { readonly kind: 'refused' }>['reason'] | undefined;

serve<ParseTask, ParseResult>(async ({ bytes, port }) => {
  const parsed = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (parsed.kind === 'refused') return parsed.reason;
  for (const piece of serializeInPieces(parsed.value)) {
    port.postMessage(piece);
    await once(port, 'message');
  }
  return undefined;
});
