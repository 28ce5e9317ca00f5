import type { Response } from 'express';
import { Subject } from 'rxjs';
import { toAnthropicException, AnthropicException } from '../../anthropic/anthropic.exception.js';
import type { Collected } from '../../translator/collect.js';
import type { Tickable } from '../../http/keep-alive-clock.js';

/** When the headers are sent: some callers limit only the time until the headers. */
const HEADERS_AFTER_MS = 30_000;
/** How often white space is sent before the JSON, for proxies that close silent connections. */
const PADDING_INTERVAL_MS = 15_000;

/** Keeps a caller waiting for a complete message, until it is ready or the caller's hard timeout is near. */
export class PendingJsonResponse implements Tickable {
  /** Emits when the caller cannot wait longer. */
  readonly expired$ = new Subject<void>();
  readonly #startedAtMs = performance.now();
  #lastSpace = 0;
  #expired = false;

  constructor(
    private readonly response: Response,
    /** `undefined` for a caller that waits as long as bytes arrive. */
    private readonly limitMs: number | undefined,
  ) {}

  tick(now: number): void {
    const waitedMs = now - this.#startedAtMs;
    if (this.limitMs !== undefined) {
      if (waitedMs < this.limitMs) return;
      this.#expired = true;
      this.expired$.next();
    } else if (waitedMs >= HEADERS_AFTER_MS && now - this.#lastSpace >= PADDING_INTERVAL_MS) {
      if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'application/json' });
      this.response.write(' ');
      this.#lastSpace = now;
    }
  }

  /**
   * Ends the wait and returns the body to send.
   *
   * @throws AnthropicException for a failure, and with status 504 after the limit.
   */
  body(collected: Collected): string {
    if (this.#expired) {
      const message = 'The turn is still running. Retry the same request to keep waiting for its result.';
      throw new AnthropicException('timeout_error', message, { headers: { 'retry-after': '1' } });
    }
    if ('error' in collected) throw toAnthropicException(collected.error);
    if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'application/json' });
    return JSON.stringify(collected.message);
  }
}
