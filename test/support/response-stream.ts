import { expect } from 'vitest';
import type { ResponseEvent } from '../../src/responses/wire/response-event.js';
import type { ResponseObject } from '../../src/responses/wire/response-object.js';

/** The events in the bytes of a streamed response. Throws for a frame that is not `event:` and `data:` on one line each. */
export function parseResponseEvents(text: string): readonly ResponseEvent[] {
  // What follows the last blank line has not been sent whole.
  return text
    .split('\n\n')
    .slice(0, -1)
    .map((frame) => {
      const [, name, json] = /^event: ([\w.]+)\ndata: (.*)$/.exec(frame) ?? [];
      if (name === undefined || json === undefined) throw new Error(`not a frame: ${frame}`);
      const event: ResponseEvent = JSON.parse(json);
      expect(event.type).toBe(name);
      return event;
    });
}

/** The response of the last event. */
export function lastResponse(events: readonly ResponseEvent[]): ResponseObject {
  const last = events.at(-1);
  if (last === undefined || !('response' in last)) throw new Error('the last event has no response');
  return last.response;
}

/** All text of a response. */
export function outputTextOf({ output }: Pick<ResponseObject, 'output'>): string {
  return output.flatMap((item) => (item.type === 'message' ? item.content.map(({ text }) => text) : [])).join('');
}

/** A caller that reads a stream as it comes and can leave. */
export class ResponseReader {
  text = '';
  status: number | undefined;
  headers = new Headers();
  ended = false;
  readonly #abort = new AbortController();

  /** Sends a request and does not wait for anything. */
  static open(url: string, init: RequestInit = {}): ResponseReader {
    const reader = new ResponseReader();
    void reader.run(url, init);
    return reader;
  }

  /** Posts a streamed request to `/v1/responses`. */
  static post(server: string, body: object, headers: Readonly<Record<string, string>> = {}): ResponseReader {
    return ResponseReader.open(`${server}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ stream: true, ...body }),
    });
  }

  get events(): readonly ResponseEvent[] {
    return parseResponseEvents(this.text);
  }

  get response(): ResponseObject {
    return lastResponse(this.events);
  }

  /** Cuts the connection. */
  leave(): void {
    this.#abort.abort();
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

  private async run(url: string, init: RequestInit): Promise<void> {
    try {
      const answer = await fetch(url, { ...init, signal: this.#abort.signal });
      this.status = answer.status;
      this.headers = answer.headers;
      const decoder = new TextDecoder();
      for await (const chunk of answer.body ?? []) this.text += decoder.decode(chunk, { stream: true });
      this.ended = true;
    } catch (error) {
      if (!this.#abort.signal.aborted) throw error;
    }
  }
}
