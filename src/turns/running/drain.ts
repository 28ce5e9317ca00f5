import { setTimeout as wait } from 'node:timers/promises';

/** The period in which a stopping server lets running turns finish. It starts once and ends once. */
export class Drain {
  #hasBegun = false;
  /** Aborted when the wait for running turns ends. */
  readonly #over = new AbortController();

  /** True once the server is stopping; it starts no more turns. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Ends the wait at once, or as soon as it starts. */
  skip(): void {
    this.#over.abort();
  }

  /** Starts the drain. Resolves when all of `running` have settled, after `maxMs`, or on `skip`. */
  async run(running: readonly Promise<void>[], maxMs: number): Promise<void> {
    this.#hasBegun = true;
    const timedOut = wait(maxMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
    await Promise.race([Promise.all(running), timedOut]);
    this.#over.abort();
  }
}
