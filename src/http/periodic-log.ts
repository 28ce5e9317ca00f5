import type { Logger } from '@nestjs/common';

/** How often one line is logged at most, in milliseconds. */
const PERIOD_MS = 10_000;

/** Counts what a caller can make happen any number of times, and logs it at once and then at most so often. */
export class PeriodicLog {
  #count = 0;
  #timer: NodeJS.Timeout | undefined;
  #last = '';

  /** @param line what is logged of a number of times, and the details of the last one. */
  constructor(
    private readonly logger: Logger,
    private readonly line: (count: number, last: string) => string,
  ) {}

  note(last = ''): void {
    this.#count += 1;
    this.#last = last;
    if (this.#timer !== undefined) return;
    this.tell();
    this.#timer = setInterval(() => this.tell(), PERIOD_MS).unref();
  }

  private tell(): void {
    if (this.#count === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.logger.warn(this.line(this.#count, this.#last));
    this.#count = 0;
  }
}
