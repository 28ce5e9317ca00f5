import { EventEmitter } from 'node:events';
import type { Response } from 'express';

/** What was done to a response that goes nowhere. */
export class FakeResponse extends EventEmitter {
  readonly head: { readonly status: number; readonly headers: Readonly<Record<string, string>> }[] = [];
  readonly writes: string[] = [];
  /** The request that it answers. */
  readonly req = {};
  /** True for a caller that does not read. */
  writableNeedDrain = false;

  /** The response as code under test takes it: of Express's, it has only what this code uses. */
  get asResponse(): Response {
    return this as unknown as Response;
  }

  get headersSent(): boolean {
    return this.head.length > 0;
  }

  getHeader(name: string): string | undefined {
    return name === 'request-id' ? 'req_fake' : undefined;
  }

  writeHead(status: number, headers: Readonly<Record<string, string>>): this {
    this.head.push({ status, headers });
    return this;
  }

  destroyed = false;

  /** As when the caller disconnects. */
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }

  write(text: string): boolean {
    // An empty text only sends the head.
    if (text !== '') this.writes.push(text);
    return !this.writableNeedDrain;
  }
}
