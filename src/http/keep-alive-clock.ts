import { Injectable, type OnApplicationShutdown } from '@nestjs/common';

/** How often the clock ticks, in milliseconds. */
const TICK_MS = 250;

/** Something that wants to know how time goes by. `now` is `performance.now()`. */
export interface Tickable {
  tick(now: number): void;
}

/** One timer for all open answers, so that an idle stream has none of its own. It runs while there are any. */
@Injectable()
export class KeepAliveClock implements OnApplicationShutdown {
  readonly #ticking = new Set<Tickable>();
  #timer: NodeJS.Timeout | undefined;

  /** Ticks until the returned function is called. */
  register(ticking: Tickable): () => void {
    this.#ticking.add(ticking);
    this.#timer ??= setInterval(() => this.tick(), TICK_MS);
    return () => {
      this.#ticking.delete(ticking);
      if (this.#ticking.size === 0) this.stop();
    };
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
