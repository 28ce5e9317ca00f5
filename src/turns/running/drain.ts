import { setTimeout as wait } from 'node:timers/promises';

/** The time in which a server that stops lets running turns end. It begins once, and is over once. */
export class Drain {
  #hasBegun = false;
  /** Aborted when running turns are not waited for any longer. */
  readonly #over = new AbortController();

  /** True once the server is about to stop: it starts no more turns. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Ends the wait, now or as soon as it begins. */
  skip(): void {
    this.#over.abort();
  }

  /** Begins, and resolves when all of these have settled, after `maxMs`, or when it is skipped. */
  async run(running: readonly Promise<void>[], maxMs: number): Promise<void> {
    this.#hasBegun = true;
    const timedOut = wait(maxMs, undefined, { signal: this.#over.signal }).catch(() => undefined);
    await Promise.race([Promise.all(running), timedOut]);
    this.#over.abort();
  }
}
