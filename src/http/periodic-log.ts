import type { Logger } from '@nestjs/common';

/** Minimum time between two lines. */
const PERIOD_MS = 10_000;

/** Counts events that callers can cause any number of times. Logs the first at once, then at most one line per period. */
export class PeriodicLog {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  /** @param line formats the log line from the count and the details of the last event. */
  constructor(
    private readonly logger: Logger,
    private readonly line: (count: number, last: string) => string,
  ) {}

  note(last = ''): void {
    this.#count += 1;
    this.#last = last;
    if (this.#timer !== undefined) return;
    this.flush();
    this.#timer = setInterval(() => this.flush(), PERIOD_MS).unref();
  }

  private flush(): void {
    if (this.#count === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.logger.warn(this.line(this.#count, this.#last));
    this.#count = 0;
  }
}
