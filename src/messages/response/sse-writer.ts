import type { Response } from 'express';
import { fromEvent, Observable, type Subscriber } from 'rxjs';
import type { StreamEvent } from '../../anthropic/stream-event.js';
import type { TranslatorSignal } from '../../translator/translator.service.js';
import { toAnthropicException } from '../../anthropic/anthropic.exception.js';
import { getRequestId } from '../../http/request-id.js';
import type { StreamWriter } from '../../http/stream-while-connected.js';
import { beginEventStream, encodeSseFrame, escapeUnicodeLineBreaks } from '../../http/server-sent-events.js';

/** Silence after which the message starts although the agent has emitted nothing yet. */
const START_AFTER_MS = 1000;
/** Silence on the wire after which a `ping` is sent: Claude Code shows a banner after 20 s without one. */
const PING_AFTER_MS = 10_000;
/** Silence of the agent after which an empty delta is sent: with pings alone Claude Code 2.1.330 gives up after 600 s. */
const KEEP_ALIVE_AFTER_MS = 30_000;

const PING = encodeSseEvent({ type: 'ping' }, '');

/** Encodes one stream event as a server-sent event. Adds `requestId` to an `error`. */
export function encodeSseEvent(event: StreamEvent, requestId: string): string {
  const body = event.type === 'error' ? { ...event, request_id: requestId } : event;
  return encodeSseFrame(event.type, body);
}

/**
 * Writes stream events to one response and keeps it alive during silence.
 *
 * Sends nothing, not even headers, before the first event, so that an earlier failure gets its HTTP status.
 */
export class SseWriter implements StreamWriter<StreamEvent> {
  /** Who hears of silence; a subject would take half a kilobyte more of every open stream. */
  #translator: Subscriber<TranslatorSignal> | undefined;
  #begun = false;
  #isComplete = false;
  #lastWrite = performance.now();
  #lastEvent = performance.now();
  readonly #requestId: string;

  constructor(private readonly response: Response) {
    this.#requestId = getRequestId(response);
  }

  /** Signals to the translator during silence. For one subscriber. Never completes. */
  get signals$(): Observable<TranslatorSignal> {
    return new Observable((subscriber) => {
      this.#translator = subscriber;
    });
  }

  /** Emits when the caller has read the written data. Never completes. */
  get resumed$(): Observable<unknown> {
    return fromEvent(this.response, 'drain');
  }

  /** Whether the caller keeps up; otherwise nothing more is sent. */
  isReady(): boolean {
    return !this.response.writableNeedDrain;
  }

  /** Whether the complete message was sent. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /**
   * Sends a batch with one write.
   *
   * @throws AnthropicException for an `error` if nothing was sent yet.
   */
  write(events: readonly StreamEvent[]): void {
    const [first] = events;
    if (!this.#begun) {
      if (first?.type === 'error') throw toAnthropicException(first.error);
      this.#begun = true;
      beginEventStream(this.response);
    }
    let text = '';
    for (const event of events) text += encodeSseEvent(event, this.#requestId);
    this.response.write(escapeUnicodeLineBreaks(text));
    this.#isComplete = events.at(-1)?.type === 'message_stop';
    this.#lastWrite = this.#lastEvent = performance.now();
  }

  tick(now: number): void {
    if (!this.#begun) {
      if (now - this.#lastEvent >= START_AFTER_MS) this.#translator?.next('begin');
    } else if (!this.isReady()) {
      // A caller that does not read gets no keep-alives, which would fill the buffer.
    } else {
      if (now - this.#lastEvent >= KEEP_ALIVE_AFTER_MS) {
        this.#lastEvent = now;
        this.#translator?.next('keep-alive');
      }
      // Also if the empty delta went into a block that this caller does not get.
      if (now - this.#lastWrite >= PING_AFTER_MS) {
        this.#lastWrite = now;
        this.response.write(PING);
      }
    }
  }
}
