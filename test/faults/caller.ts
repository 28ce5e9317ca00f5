import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { collect } from '../../src/translator/collect.js';
import type { Message, StreamEvent } from '../../src/anthropic/stream-event.js';
import { readResponseStream, readWholeResponse } from './responses-reader.js';
import { keyHeader } from './tenants.js';
import { checkGrammar } from '../support/stream-grammar.js';

/** How long a caller tries to get its message, in milliseconds. Longer is hanging. */
export const PATIENCE = 60_000;
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 1000;

/** Where the caller itself cuts its connection, the first time; then it sends the same again. */
export type Cut =
  'before the first event' | 'during the first event' | 'after the first event' | 'after the last event';

/** The APIs that callers of kill points use. */
export type Door = 'messages' | 'responses';

/** What the suite judges of an answer. */
type Answer = Pick<Message, 'id' | 'content' | 'stop_reason'>;

/** A request that is sent until it is answered. */
export interface Call {
  /** The Messages API by default. */
  readonly door?: Door;
  readonly prompt: string;
  readonly model: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: boolean;
  readonly cut?: Cut;
  /** How long it waits before its second try, in milliseconds; later pauses are as long as those of other callers. */
  readonly firstPauseMs?: number;
}

/** How one sending ended. */
export type Try =
  | { readonly kind: 'message'; readonly message: Answer; readonly violations: readonly string[] }
  | {
      readonly kind: 'refused';
      readonly status: number;
      readonly text: string;
      readonly retryAfter: string | undefined;
    }
  | { readonly kind: 'error'; readonly type: string; readonly text: string; readonly violations: readonly string[] }
  | { readonly kind: 'cut'; readonly events: number };

/** What came of a call. */
export interface Answered {
  /** `undefined` when the caller gave up: it was refused for good, or it was hanging. */
  readonly message: Answer | undefined;
  readonly tries: readonly Try[];
  readonly isHanging: boolean;
}

/** Sends the request, again after a cut, an error or a 5xx, until it has a whole message. `url` is asked before each try. */
export async function callUntilWhole(url: () => string, call: Call): Promise<Answered> {
  const tries: Try[] = [];
  const deadline = performance.now() + PATIENCE;
  let pause = FIRST_PAUSE;
  for (;;) {
    const outcome = await send(url(), call, {
      cut: tries.length === 0 ? call.cut : undefined,
      milliseconds: deadline - performance.now(),
    });
    tries.push(outcome);
    if (outcome.kind === 'message') return { message: outcome.message, tries, isHanging: false };
    const isFinal = outcome.kind === 'refused' && outcome.status < 500 && ![408, 409, 429].includes(outcome.status);
    const isHanging = performance.now() + pause >= deadline;
    if (isFinal || isHanging) return { message: undefined, tries, isHanging };
    await delay(tries.length === 1 ? (call.firstPauseMs ?? pause) : pause);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

/** Sends the request once. Never rejects. */
export function send(
  url: string,
  { door = 'messages', prompt, model, headers, stream }: Call,
  { cut, milliseconds }: { readonly cut?: Cut | undefined; readonly milliseconds: number },
): Promise<Try> {
  return new Promise((resolve) => {
    const outgoing = request(`${url}/v1/${door}`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', ...keyHeader(headers['x-chiron-thread-key']), ...headers },
    });
    let text = '';
    const timer = setTimeout(() => outgoing.destroy(), Math.max(0, milliseconds));
    const end = (outcome: Try): void => {
      clearTimeout(timer);
      outgoing.destroy();
      resolve(outcome);
    };
    const gone = (): void => end({ kind: 'cut', events: framesOf(text).length });
    outgoing.on('error', gone);
    outgoing.on('response', (response) => {
      const status = response.statusCode ?? 0;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (cut !== undefined && status === 200 && isCutHere(cut, text)) gone();
      });
      response.on('error', gone);
      response.on('close', gone);
      response.on('end', () => {
        const retryAfter = response.headers['retry-after'];
        if (status === 200) end(READERS[door][stream ? 'stream' : 'whole'](text));
        else end({ kind: 'refused', status, text: text.slice(0, 300), retryAfter });
      });
    });
    const said = { model, stream };
    const body =
      door === 'responses'
        ? { ...said, input: prompt }
        : { ...said, max_tokens: 1024, messages: [{ role: 'user', content: prompt }] };
    outgoing.end(JSON.stringify(body), () => {
      // The request has left; the server may have begun with it or not.
      if (cut === 'before the first event') setTimeout(gone, 30);
    });
  });
}

const READERS: Readonly<Record<Door, Readonly<Record<'stream' | 'whole', (text: string) => Try>>>> = {
  messages: { stream: readStream, whole: readWhole },
  responses: { stream: readResponseStream, whole: readWholeResponse },
};

function isCutHere(cut: Cut, text: string): boolean {
  switch (cut) {
    case 'before the first event':
      return true;
    case 'during the first event':
      return text.length > 0;
    case 'after the first event':
      return /event: (content_block_start|response\.output_item\.added)\n/.test(text);
    case 'after the last event':
      return /event: (message_stop|response\.completed)\n/.test(text);
    default:
      return cut satisfies never;
  }
}

function framesOf(text: string): readonly string[] {
  return text.split('\n\n').slice(0, -1);
}

function readStream(text: string): Try {
  const events = framesOf(text).map((frame): StreamEvent => {
    const event: StreamEvent = JSON.parse(frame.slice(frame.indexOf('\ndata: ') + 7));
    return event;
  });
  const violations = checkGrammar(events);
  const last = events.at(-1);
  if (last?.type === 'error') return { kind: 'error', type: last.error.type, text: last.error.message, violations };
  const collected = collect(events);
  if (last?.type !== 'message_stop' || !('message' in collected)) return { kind: 'cut', events: events.length };
  return { kind: 'message', message: collected.message, violations };
}

function readWhole(text: string): Try {
  try {
    const message: Message = JSON.parse(text);
    return { kind: 'message', message, violations: [] };
  } catch {
    // Half an answer.
    return { kind: 'cut', events: 0 };
  }
}
