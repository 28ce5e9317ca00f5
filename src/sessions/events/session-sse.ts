import type { Response } from 'express';
import { fromEvent, lastValueFrom, type Observable, takeUntil, tap } from 'rxjs';
import type { Backpressure } from '../../storage/event-log/event-log.js';
import type { SessionEvent } from './session-event-encoder.js';

/** How often a comment says that the stream is alive, in milliseconds; centaur's is axum's default. */
const KEEP_ALIVE_MS = 15_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Asks nginx and its like not to hold events back.
  'x-accel-buffering': 'no',
};

const COMMENT = ': \n\n';
const STREAM_ERROR = 'event: session.stream_error\ndata: {"error":"event stream failed"}\n\n';

/** One session event as bytes of an event stream. */
export function sessionFrame({ id, type, data }: SessionEvent): string {
  // JSON has no line ends in it, so that one `data:` line is enough.
  return `id: ${id}\nevent: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}

/**
 * Streams session events to a caller until they end, or the caller leaves; a caller that does not read is given nothing more
 * until it does. A failure of the events is reported by one `session.stream_error`, after which the stream ends.
 *
 * Resolves when the stream is over. Rejects, after the caller was notified, with what made the events fail.
 */
export async function streamSessionEvents(
  response: Response,
  open: (flow: Backpressure) => Observable<readonly SessionEvent[]>,
): Promise<void> {
  if (response.destroyed) return;
  response.writeHead(200, HEADERS);
  response.flushHeaders();
  if (response.req.method === 'HEAD') {
    // The headers are the whole answer; without its end the connection would wait for it for ever.
    response.end();
    return;
  }
  const flow: Backpressure = { isReady: () => !response.writableNeedDrain, resumed$: fromEvent(response, 'drain') };
  const timer = setInterval(() => {
    if (flow.isReady()) response.write(COMMENT);
  }, KEEP_ALIVE_MS);
  const written$ = open(flow).pipe(
    tap((events) => response.write(events.map(sessionFrame).join(''))),
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
