import type { Response } from 'express';
import { Subject } from 'rxjs';
import { toAnthropicException, AnthropicException } from '../../anthropic/anthropic.exception.js';
import type { Collected } from '../../translator/collect.js';
import { JsonPadding } from '../../http/json-padding.js';
import type { Tickable } from '../../http/keep-alive-clock.js';

/** Keeps a caller waiting for a complete message, until it is ready or the caller's hard timeout is near. */
export class PendingJsonResponse implements Tickable {
  /** Emits when the caller cannot wait longer. */
  readonly expired$ = new Subject<void>();
  readonly #startedAtMs = performance.now();
  readonly #padding: JsonPadding;
  #expired = false;

  constructor(
    private readonly response: Response,
    /** `undefined` for a caller that waits as long as bytes arrive. */
    private readonly limitMs: number | undefined,
  ) {
    this.#padding = new JsonPadding(response);
  }

  tick(now: number): void {
    if (this.limitMs === undefined) {
      this.#padding.tick(now);
    } else if (now - this.#startedAtMs >= this.limitMs) {
      this.#expired = true;
      this.expired$.next();
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
