/**
 * The time of the store: PostgreSQL's own clock, so that servers whose clocks differ by minutes order and compare what they store alike;
 * for SQLite this machine's.
 */
export class StoreClock {
  #offsetMs = 0;

  /** Milliseconds since the epoch. */
  now(): number {
    return Math.round(Date.now() + this.#offsetMs);
  }

  /** Follows a reading of the store's clock (milliseconds since the epoch), taken just now. */
  follow(storeNowMs: number): void {
    this.#offsetMs = storeNowMs - Date.now();
  }
}
