import type { Response } from 'express';

/** The headers of a stream of server-sent events. */
export const SSE_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Disables buffering in nginx and other proxies.
  'x-accel-buffering': 'no',
};

/**
 * Sends the head of an event stream; it leaves together with what is written next.
 *
 * Node keeps the head for as long as the response, as a tree of its parts, unless it is written by itself: that makes it one string, which saves 800 bytes
 * of each open stream. `flushHeaders` would write it as UTF-8, and a thread key may have non-ASCII characters (Node 24, `_http_outgoing.js`).
 */
export function beginEventStream(response: Response): void {
  response.writeHead(200, SSE_HEADERS);
  response.write('', 'latin1');
}

/**
 * Characters that end a line for some readers, though not in an event stream: Python's `str.splitlines`, and so every client that
 * uses httpx's `iter_lines`, would split an event at them. JSON allows escaping them.
 */
const LINE_END = /[\u0085\u2028\u2029]/;
const LINE_ENDS = new RegExp(LINE_END, 'g');

/** Escapes in events of JSON what some readers take for the end of a line. */
export function escapeUnicodeLineBreaks(frames: string): string {
  // Test first: almost no text has one, and a replacement without a match takes half as long as encoding a frame.
  if (!LINE_END.test(frames)) return frames;
  return frames.replaceAll(LINE_ENDS, (end) => String.raw`\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Encodes a value as one server-sent event. */
export function encodeSseFrame(type: string, body: object): string {
  return `event: ${type}\ndata: ${JSON.stringify(body)}\n\n`;
}
