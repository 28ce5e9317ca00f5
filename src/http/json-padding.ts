import type { Response } from 'express';
import type { Tickable } from './keep-alive-clock.js';

/** When the headers are sent: some callers limit only the time until the headers. */
const HEADERS_AFTER_MS = 30_000;
/** How often white space is sent before the JSON, for proxies that close silent connections. */
const PADDING_INTERVAL_MS = 15_000;

/** Keeps a caller waiting for JSON: after 30 s it gets the status, and then white space, which may precede JSON. */
export class JsonPadding implements Tickable {
  readonly #startedAtMs = performance.now();
  #lastSpace = 0;

  constructor(private readonly response: Response) {}

  tick(now: number): void {
    if (now - this.#startedAtMs < HEADERS_AFTER_MS || now - this.#lastSpace < PADDING_INTERVAL_MS) return;
    if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'application/json' });
    this.response.write(' ');
    this.#lastSpace = now;
  }
}
