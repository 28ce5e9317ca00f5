import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { expect } from 'vitest';

/** One session event as it was read. */
export interface ReadSessionEvent {
  readonly id: number | undefined;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A reader of a session's event stream. */
export class SessionReader {
  status: number | undefined;
  headers: IncomingMessage['headers'] = {};
  text = '';
  /** The stream has ended in order. */
  ended = false;
  closed = false;

  private constructor(private readonly outgoing: ClientRequest) {
    outgoing.on('response', (response) => {
      this.status = response.statusCode;
      this.headers = response.headers;
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (this.text += chunk));
      response.on('end', () => (this.ended = true));
      response.on('close', () => (this.closed = true));
      response.on('error', () => (this.closed = true));
    });
    outgoing.on('error', () => (this.closed = true));
  }

  /** Opens a stream and does not wait for anything. */
  static open(url: string, headers: Readonly<Record<string, string>> = {}): SessionReader {
    return new SessionReader(get(url, { agent: false, headers }));
  }

  /** The complete events so far. Throws for an invalid frame. */
  get events(): readonly ReadSessionEvent[] {
    const frames = this.text.split('\n\n').slice(0, -1);
    return frames
      .filter((frame) => frame !== ': ')
      .map((frame) => {
        const [, id, name, json] = /^(?:id: (\d+)\n)?event: ([\w.]+)\ndata: (.*)$/.exec(frame) ?? [];
        if (name === undefined || json === undefined) throw new Error(`not a frame: ${frame}`);
        const data: ReadSessionEvent['data'] = JSON.parse(json);
        return { id: id === undefined ? undefined : Number(id), name: name.replace('session.', ''), data };
      });
  }

  get names(): readonly string[] {
    return this.events.map((event) => event.name);
  }

  get ids(): readonly number[] {
    return this.events.map((event) => event.id ?? -1);
  }

  /** The text of the deltas so far. */
  get said(): string {
    return this.text
      .split('\n')
      .filter((line) => line.includes('item/agentMessage/delta'))
      .map((line) => /"delta":"([^"]*)"/.exec(line)?.[1] ?? '')
      .join('');
  }

  /** Cuts the connection. */
  leave(): void {
    this.outgoing.destroy();
  }

  /** Resolves once the stream holds this text. */
  async sees(text: string): Promise<this> {
    await expect.poll(() => this.text, { timeout: 10_000, interval: 5 }).toContain(text);
    return this;
  }

  /** Resolves once the stream has ended in order. */
  async done(): Promise<this> {
    await expect.poll(() => this.ended, { timeout: 15_000, interval: 5, message: 'the end of the stream' }).toBe(true);
    return this;
  }
}
