import type { Response } from 'express';
import { fromEvent, lastValueFrom, type Observable, takeUntil, tap } from 'rxjs';
import type { Backpressure } from '../../storage/event-log/event-log.js';
import type { SessionEvent } from './session-event-encoder.js';

/** Interval of the keep-alive comments; as in centaur, which uses axum's default. */
const KEEP_ALIVE_MS = 15_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Keeps nginx and similar proxies from buffering events.
  'x-accel-buffering': 'no',
};

const COMMENT = ': \n\n';
const STREAM_ERROR = 'event: session.stream_error\ndata: {"error":"event stream failed"}\n\n';

/** Encodes a session event as a server-sent event. */
export function encodeSessionEvent({ id, type, data }: SessionEvent): string {
  // JSON.stringify emits no line breaks, so one `data:` line is enough.
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Streams session events until they end or the caller disconnects, with back-pressure for a caller that does not read. When the
 * events fail, the stream ends with one `session.stream_error`.
 *
 * Resolves when the stream has ended. Rejects with the failure of the events, after the caller was notified.
 */
export async function streamSessionEvents(
  response: Response,
  open: (flow: Backpressure) => Observable<readonly SessionEvent[]>,
): Promise<void> {
  if (response.destroyed) return;
  response.writeHead(200, HEADERS);
  response.flushHeaders();
  if (response.req.method === 'HEAD') {
    // A HEAD response has headers only; without `end` the connection would stay busy forever.
    response.end();
    return;
  }
  const flow: Backpressure = { isReady: () => !response.writableNeedDrain, resumed$: fromEvent(response, 'drain') };
  const timer = setInterval(() => {
    if (flow.isReady()) response.write(COMMENT);
  }, KEEP_ALIVE_MS);
  const written$ = open(flow).pipe(
    tap((events) => response.write(events.map(encodeSessionEvent).join(''))),
    takeUntil(fromEvent(response, 'close')),
  );
  try {
    await lastValueFrom(written$, { defaultValue: undefined });
  } catch (error) {
    response.write(STREAM_ERROR);
    throw error;
  } finally {
    clearInterval(timer);
    response.end();
  }
}
