import type { Response } from 'express';
import { fromEvent, type Observable } from 'rxjs';
import type { StreamWriter } from '../../http/stream-while-connected.js';
import { encodeSseFrame, escapeUnicodeLineBreaks, SSE_HEADERS } from '../../http/server-sent-events.js';
import { findItemId, isTerminal, type ResponseEvent } from '../wire/response-event.js';
import type { ResponseObject } from '../wire/response-object.js';

/** Silence on the wire after which an event is sent. Codex counts events only, no comments; 300 s of silence break its connection. [0.169.0] */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** What of a stream its reader has already. */
export interface AlreadyRead {
  /** The number of the last event; -1 for none. */
  readonly sequence: number;
  /** The ids of items. */
  readonly items: ReadonlySet<string>;
}

/** Writes the events of a response to one HTTP response, from the first on, and keeps it alive during silence. */
export class ResponseWriter implements StreamWriter<ResponseEvent> {
  #isComplete = false;
  #lastWrite = performance.now();
  #lastSequence = 0;

  constructor(
    private readonly response: Response,
    private readonly snapshot: ResponseObject,
    private readonly read: AlreadyRead,
  ) {
    this.response.writeHead(200, SSE_HEADERS);
  }

  /** Emits when the caller has read the written data. Never completes. */
  get resumed$(): Observable<unknown> {
    return fromEvent(this.response, 'drain');
  }

  /** Whether the caller keeps up; otherwise nothing more is sent. */
  isReady(): boolean {
    return !this.response.writableNeedDrain;
  }

  /** Whether the last event was sent. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** Sends a batch with one write, without what the caller has. */
  write(events: readonly ResponseEvent[]): void {
    let frames = '';
    for (const event of events) {
      this.#lastSequence = event.sequence_number;
      this.#isComplete ||= isTerminal(event);
      if (this.isKnown(event)) continue;
      frames += encodeSseFrame(event.type, event);
    }
    this.send(frames);
  }

  /** An event without news, under the number of the last one: what follows keeps the number that the log gives it. */
  tick(now: number): void {
    // A caller that does not read gets no keep-alives, which would fill the buffer.
    if (this.#isComplete || !this.isReady() || now - this.#lastWrite < KEEP_ALIVE_AFTER_MS) return;
    const event: ResponseEvent = {
      type: 'response.in_progress',
      response: this.snapshot,
      sequence_number: Math.max(this.#lastSequence, this.read.sequence),
    };
    this.send(encodeSseFrame(event.type, event));
    this.#lastWrite = now;
  }

  private isKnown(event: ResponseEvent): boolean {
    if (event.sequence_number <= this.read.sequence) return true;
    const id = findItemId(event);
    return id !== undefined && this.read.items.has(id);
  }

  private send(frames: string): void {
    if (frames === '') return;
    this.response.write(escapeUnicodeLineBreaks(frames));
    this.#lastWrite = performance.now();
  }
}
