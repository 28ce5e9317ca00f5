import type { Response } from 'express';
import { fromEvent, type Observable, Subject } from 'rxjs';
import type { StreamEvent } from '../../anthropic/stream-event.js';
import type { TranslatorSignal } from '../../translator/translator.service.js';
import { toAnthropicException } from '../../anthropic/anthropic.exception.js';
import { getRequestId } from '../../http/request-id.js';
import type { Tickable } from '../../http/keep-alive-clock.js';

/** Silence after which the message starts although the agent has emitted nothing yet, in milliseconds. */
const START_AFTER_MS = 1000;
/** Silence on the wire after which a `ping` is sent: Claude Code shows a banner after 20 s without one. */
const PING_AFTER = 10_000;
/** Silence of the agent after which an empty delta is sent: pings alone keep Claude Code 2.1.330 for 600 s only. */
const KEEP_ALIVE_AFTER = 30_000;

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // Asks nginx and its like not to hold events back.
  'x-accel-buffering': 'no',
};

const PING = encodeSseEvent({ type: 'ping' }, '');

/**
 * What ends a line for some readers of text, though not in an event stream: Python's `str.splitlines`, and so every client that
 * reads with httpx's `iter_lines`, would take half an event for a whole one. In JSON they may be escaped as well.
 */
const LINE_END = /[\u0085\u2028\u2029]/;
const LINE_ENDS = new RegExp(LINE_END, 'g');

function escapeUnicodeLineBreaks(frames: string): string {
  // Asked first: nearly no text has one, and to replace nothing takes half as long as to make a frame.
  if (!LINE_END.test(frames)) return frames;
  return frames.replaceAll(LINE_ENDS, (end) => String.raw`\u${end.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** One stream event as bytes of an event stream. `requestId` goes into an `error`. */
export function encodeSseEvent(event: StreamEvent, requestId: string): string {
  const body = event.type === 'error' ? { ...event, request_id: requestId } : event;
  return `event: ${event.type}\ndata: ${JSON.stringify(body)}\n\n`;
}

/**
 * Writes stream events to one response, and keeps it alive in silence.
 *
 * Nothing, not even a header, is sent before the first event, so that a failure until then can have its HTTP status.
 */
export class SseWriter implements Tickable {
  /** What the translator is asked for in silence. Never completes. */
  readonly signals$ = new Subject<TranslatorSignal>();
  /** Emits when the caller has read what was written. Completes never; unsubscribing stops listening. */
  readonly resumed$: Observable<unknown>;
  #begun = false;
  #isWhole = false;
  #lastWrite = performance.now();
  #lastEvent = performance.now();
  readonly #requestId: string;

  constructor(private readonly response: Response) {
    this.resumed$ = fromEvent(response, 'drain');
    this.#requestId = getRequestId(response);
  }

  /** Whether the caller keeps up; while it does not, it is given nothing more. */
  isReady(): boolean {
    return !this.response.writableNeedDrain;
  }

  /** Whether the message was sent to its end. */
  get isComplete(): boolean {
    return this.#isWhole;
  }

  /**
   * Sends a batch with one write.
   *
   * @throws AnthropicException for an `error` before anything was sent.
   */
  write(events: readonly StreamEvent[]): void {
    const [first] = events;
    if (!this.#begun) {
      if (first?.type === 'error') throw toAnthropicException(first.error);
      this.#begun = true;
      this.response.writeHead(200, HEADERS);
    }
    let text = '';
    for (const event of events) text += encodeSseEvent(event, this.#requestId);
    this.response.write(escapeUnicodeLineBreaks(text));
    this.#isWhole = events.at(-1)?.type === 'message_stop';
    this.#lastWrite = this.#lastEvent = performance.now();
  }

  tick(now: number): void {
    if (!this.#begun) {
      if (now - this.#lastEvent >= START_AFTER_MS) this.signals$.next('begin');
    } else if (!this.isReady()) {
      // A caller that does not read gets nothing to keep.
    } else {
      if (now - this.#lastEvent >= KEEP_ALIVE_AFTER) {
        this.#lastEvent = now;
        this.signals$.next('keep-alive');
      }
      // Also when the empty delta went into a block that this caller is not shown.
      if (now - this.#lastWrite >= PING_AFTER) {
        this.#lastWrite = now;
        this.response.write(PING);
      }
    }
  }
}
