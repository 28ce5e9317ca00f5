import { errorText } from '../errors.js';
import type { StuckLeftover } from './thread-removal.js';

/** How often leftovers are looked for after the start, in milliseconds: what a program still held then may be free by now. */
const SWEEP_INTERVAL_MS = 600_000;

/** Removes, now and then, what removals of threads have left: a server that died in one would leave it for ever. */
export class LeftoverSweeper {
  /** What is known to resist, so that the log has each of them once. */
  #stuck: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #underway: Promise<void> | undefined;

  /**
   * @param sweep removes what can be removed, and gives the rest
   * @param warn told of what resists
   */
  constructor(
    private readonly sweep: () => Promise<readonly StuckLeftover[]>,
    private readonly warn: (text: string) => void,
  ) {}

  /** Sweeps now, beside what else goes on, and from time to time. */
  start(): void {
    this.#timer ??= setInterval(() => void this.run(), SWEEP_INTERVAL_MS).unref();
    void this.run();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Sweeps once, or joins the sweep that goes on. Never rejects. */
  run(): Promise<void> {
    this.#underway ??= this.#sweepOnce().finally(() => (this.#underway = undefined));
    return this.#underway;
  }

  async #sweepOnce(): Promise<void> {
    try {
      const stuck = await this.sweep();
      for (const { name, error } of stuck) {
        if (!this.#stuck.has(name))
          this.warn(`the leftover ${name} of a thread cannot be removed: ${errorText(error)}`);
      }
      this.#stuck = new Set(stuck.map(({ name }) => name));
    } catch (error) {
      this.warn(`leftovers of threads could not be looked for: ${errorText(error)}`);
    }
  }
}
