import type { StreamEvent } from '../../src/anthropic/stream-event.js';
import type { Answer } from './answer-reader.js';
import type { FuzzRequest } from './request.js';

/** The events of a stream, or what is wrong with its frames. */
export function eventsOf(body: Buffer): readonly StreamEvent[] | string {
  const frames = body.toString('utf8').split('\n\n');
  if (frames.pop() !== '') return 'the stream ends inside a frame';
  const events: StreamEvent[] = [];
  for (const frame of frames) {
    const [, name, json = ''] = /^event: (\w+)\ndata: ([^\n\r]*)$/.exec(frame) ?? [];
    const event = parsed(Buffer.from(json));
    if (name === undefined || property(event, 'type') !== name)
      return `not a frame: ${JSON.stringify(frame.slice(0, 100))}`;
    events.push(event as StreamEvent);
  }
  return events;
}

/** Whether an answer is an event stream. */
export function isStream({ headers }: Pick<Answer, 'headers'>): boolean {
  return headers.get('content-type')?.[0]?.startsWith('text/event-stream') === true;
}

/** The path of a request, without its query and in one case; that of a target which is a whole URL, too. */
export function pathOf({ target }: Pick<FuzzRequest, 'target'>): string {
  return (target.replace(/^https?:\/\/[^/]*/, '').split(/[?#]/)[0] ?? '').toLowerCase();
}

/** A body as JSON; `undefined` when it is none. */
export function parsed(body: Buffer): unknown {
  try {
    // A byte order mark, which the server takes no notice of, is left out by the decoder.
    const value: unknown = JSON.parse(new TextDecoder().decode(body));
    return value;
  } catch {
    return undefined;
  }
}

/** A property of what may be an object. */
export function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** The first characters of a text, to be shown. */
export function excerpt(text: string | Buffer): string {
  return JSON.stringify(text.toString().slice(0, 300));
}
