import { Logger } from '@nestjs/common';
import type { EventStore } from './event.store.js';
import { hasEnded } from '../stores/turn.js';

interface Watcher {
  /** Number of the last row that the watcher has read. */
  readonly sequence: number;
  readonly wake: () => void;
}

/**
 * Wakes the readers of turns that are not live in this process: queued, running elsewhere, or left by a dead owner. Polls the
 * store with one lookup for all of them; without watchers there is no timer.
 */
export class TurnWatch {
  readonly #logger = new Logger('EventLog');
  readonly #watchers = new Map<string, Set<Watcher>>();
  #timer: NodeJS.Timeout | undefined;
  #polling = false;
  #failing = false;

  constructor(
    private readonly store: EventStore,
    private readonly pollMs: number,
  ) {}

  /** Calls `wake` once, when the turn has changed. Returns the unsubscribe function. */
  watch(turnId: string, sequence: number, wake: () => void): () => void {
    const watcher: Watcher = { sequence, wake };
    const watchers = this.#watchers.get(turnId) ?? new Set();
    this.#watchers.set(turnId, watchers.add(watcher));
    this.#schedule();
    return () => {
      watchers.delete(watcher);
      if (watchers.size === 0 && this.#watchers.get(turnId) === watchers) this.#watchers.delete(turnId);
      if (this.#watchers.size === 0) this.stop();
    };
  }

  /** Wakes all watchers of the turn. */
  wake(turnId: string): void {
    const watchers = this.#watchers.get(turnId);
    if (watchers === undefined) return;
    this.#watchers.delete(turnId);
    for (const watcher of watchers) watcher.wake();
  }

  /** Stops polling until the next `watch`. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#polling || this.#watchers.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#poll();
    }, this.pollMs);
  }

  async #poll(): Promise<void> {
    this.#polling = true;
    try {
      const turnIds = [...this.#watchers.keys()];
      const found = new Map((await this.store.positions(turnIds)).map((position) => [position.turnId, position]));
      this.#failing = false;
      for (const turnId of turnIds) {
        const position = found.get(turnId);
        const watchers = this.#watchers.get(turnId) ?? new Set<Watcher>();
        const hasChanged =
          position === undefined ||
          hasEnded(position.state) ||
          [...watchers].some((watcher) => watcher.sequence < position.sequence);
        if (hasChanged) this.wake(turnId);
      }
    } catch (error) {
      // Logged once, not with every poll; readiness shows the event writer's failure.
      if (!this.#failing) this.#logger.error(`failed to poll turns: ${String(error)}`);
      this.#failing = true;
    } finally {
      this.#polling = false;
      this.#schedule();
    }
  }
}
