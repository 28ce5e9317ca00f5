// Runs in its own thread. Under test Node runs this file directly and strips its types, so its imports must end in `.ts`.
import type { MessagePort } from 'node:worker_threads';
import { type ParsedJson, parseJson } from './parse-json.ts';
import { serve } from './serve.ts';
import { serializeInPieces } from './value-pieces.ts';

/** A body to parse, and the port for its value, which is sent in pieces before the task ends. */
export interface ParseTask {
  /** The body's bytes as they came. */
  readonly chunks: readonly Uint8Array[];
  readonly port: MessagePort;
}

/** Why the body was refused; `undefined` when its value was sent. */
export type ParseResult = Extract<ParsedJson, { readonly kind: 'refused' }>['reason'] | undefined;

serve<ParseTask, ParseResult>(({ chunks, port }) => {
  const parsed = parseJson(Buffer.concat(chunks));
  if (parsed.kind === 'refused') return parsed.reason;
  for (const piece of serializeInPieces(parsed.value)) port.postMessage(piece);
  return undefined;
});
