import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

/** How often the clock ticks. */
const TICK_MS = 250;

/** Receives periodic ticks. `now` is a reading of `performance.now()`. */
export interface Tickable {
  tick(now: number): void;
}

/** One timer for all open answers, so that streams need no timers of their own. It runs only while answers are open. */
@Injectable()
export class KeepAliveClock implements OnApplicationShutdown {
  readonly #ticking = new Set<Tickable>();
  #timer: NodeJS.Timeout | undefined;

  /** Ticks until {@link unregister} is called. */
  register(ticking: Tickable): void {
    this.#ticking.add(ticking);
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
  }

  unregister(ticking: Tickable): void {
    this.#ticking.delete(ticking);
    if (this.#ticking.size === 0) this.stop();
  }

  onApplicationShutdown(): void {
    this.stop();
  }

  private tick(): void {
    const now = performance.now();
    for (const ticking of this.#ticking) ticking.tick(now);
  }

  private stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
