import type { Response } from 'express';
import { Subject } from 'rxjs';
import { toAnthropicException, AnthropicException } from '../../anthropic/anthropic.exception.js';
import type { Collected } from '../../translator/collect.js';
import type { Tickable } from '../../http/keep-alive-clock.js';

/** After this long the status goes out, so that the caller's time limit, which ends with the headers, does not end the wait. */
const HEADERS_AFTER = 30_000;
/** White space between the headers and the JSON, for proxies that close silent connections. */
const SPACE_EVERY = 15_000;

/** Waits with a caller for a whole message, for as long as it takes, or for as long as the caller can. Times in milliseconds. */
export class PendingJsonResponse implements Tickable {
  /** Emits when the caller can wait no longer. */
  readonly expired$ = new Subject<void>();
  readonly #since = performance.now();
  #lastSpace = 0;
  #expired = false;

  constructor(
    private readonly response: Response,
    /** `undefined` for a caller that waits as long as bytes flow. */
    private readonly limit: number | undefined,
  ) {}

  tick(now: number): void {
    const waited = now - this.#since;
    if (this.limit !== undefined) {
      if (waited < this.limit) return;
      this.#expired = true;
      this.expired$.next();
    } else if (waited >= HEADERS_AFTER && now - this.#lastSpace >= SPACE_EVERY) {
      if (!this.response.headersSent) this.response.writeHead(200, { 'content-type': 'application/json' });
      this.response.write(' ');
      this.#lastSpace = now;
    }
  }

  /**
   * Ends the wait: what is left to be sent.
   *
   * @throws AnthropicException for a failure, and a 504 when the time is up.
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
