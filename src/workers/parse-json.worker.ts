// Runs in its own thread. Under test Node runs this file directly and strips its types, so its imports must end in `.ts`.
import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { type ParsedJson, parseJson } from './parse-json.ts';
import { serve } from './serve.ts';
import { serializeInPieces } from './value-pieces.ts';

/** A body to parse, and the port for its value, sent in pieces; each is sent after the previous one was acknowledged. */
export interface ParseTask {
  readonly bytes: Uint8Array;
  readonly port: MessagePort;
}

/** Why the body was refused; `undefined` when its value was sent. */
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
