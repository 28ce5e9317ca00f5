import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { expect } from 'vitest';
import type { StreamEvent } from '../../src/anthropic/stream-event.js';

/** One event as it was read: its `event:` line and its data. */
export interface ReadEvent {
  readonly name: string;
  readonly data: StreamEvent & { readonly request_id?: string };
}

/** The events in the bytes of an event stream. Throws for a frame that is not `event:` and `data:` on one line each. */
export function parseEvents(text: string): readonly ReadEvent[] {
  const frames = text.split('\n\n');
  // What follows the last blank line has not been sent whole.
  return frames.slice(0, -1).map((frame) => {
    const [, name, json] = /^event: (\w+)\ndata: (.*)$/.exec(frame) ?? [];
    if (name === undefined || json === undefined) throw new Error(`not a frame: ${frame}`);
    const data: ReadEvent['data'] = JSON.parse(json);
    return { name, data };
  });
}

/** The text of all text blocks in a stream. */
export function streamedText(events: readonly StreamEvent[]): string {
  return events
    .flatMap((event) =>
      event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? [event.delta.text] : [],
    )
    .join('');
}

/** A caller that can stop reading or leave, and sees every byte as it comes. */
export class SseClient {
  status: number | undefined;
  headers: IncomingMessage['headers'] = {};
  text = '';
  /** The answer has ended in order. */
  ended = false;
  /** The connection is gone, in order or not. */
  closed = false;
  #response: IncomingMessage | undefined;
  #paused = false;

  private constructor(private readonly outgoing: ClientRequest) {
    outgoing.on('response', (response) => {
      this.#response = response;
      this.status = response.statusCode;
      this.headers = response.headers;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (this.text += chunk));
      response.on('end', () => (this.ended = true));
      response.on('close', () => (this.closed = true));
      response.on('error', () => (this.closed = true));
      if (this.#paused) response.pause();
    });
    outgoing.on('error', () => (this.closed = true));
  }

  /** Sends a request and does not wait for anything. */
  static post(url: string, body: object, headers: Readonly<Record<string, string>> = {}): SseClient {
    const outgoing = request(`${url}/v1/messages`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', ...headers },
    });
    const client = new SseClient(outgoing);
    // Bytes, as Node would write a string and the headers together in UTF-8, though headers are Latin-1.
    outgoing.end(Buffer.from(JSON.stringify(body)));
    return client;
  }

  /** The whole events so far. */
  get events(): readonly StreamEvent[] {
    return parseEvents(this.text).map((event) => event.data);
  }

  get types(): readonly string[] {
    return this.events.map((event) => event.type);
  }

  get said(): string {
    return streamedText(this.events);
  }

  /** The id of the message that is streamed, `''` before its start. */
  get messageId(): string {
    const [first] = this.events;
    return first?.type === 'message_start' ? first.message.id : '';
  }

  /** Stops reading; what the server sends stays in the buffers between, until they are full. */
  pause(): void {
    this.#paused = true;
    this.#response?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#response?.resume();
  }

  /** Cuts the connection. */
  leave(): void {
    this.outgoing.destroy();
  }

  /** Resolves once the answer holds this text. */
  async sees(text: string): Promise<void> {
    await expect.poll(() => this.text, { timeout: 10_000, interval: 5 }).toContain(text);
  }

  /** Resolves once the answer has ended in order. */
  async done(): Promise<this> {
    await expect.poll(() => this.ended, { timeout: 15_000, interval: 5, message: 'the end of the answer' }).toBe(true);
    return this;
  }
}
