import { describeFileError } from '../errors.js';
import type { StuckLeftover } from './thread-removal.js';

/** Sweep interval after the first sweep: a leftover that a program still held may be removable later. */
const SWEEP_INTERVAL_MS = 600_000;

/** Periodically removes leftovers of thread removals, such as those of a server that died during one. */
export class LeftoverSweeper {
  /** Leftovers that could not be removed, to log each of them once. */
  #stuck: ReadonlySet<string> = new Set();
  #timer: NodeJS.Timeout | undefined;
  #underway: Promise<void> | undefined;

  /**
   * @param sweep removes what it can, and returns the stuck leftovers
   * @param warn logs a stuck leftover
   */
  constructor(
    private readonly sweep: () => Promise<readonly StuckLeftover[]>,
    private readonly warn: (text: string) => void,
  ) {}

  /** Sweeps now in the background, and then periodically. */
  start(): void {
    this.#timer ??= setInterval(() => void this.run(), SWEEP_INTERVAL_MS).unref();
    void this.run();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Sweeps once, or joins the running sweep. Never rejects. */
  run(): Promise<void> {
    this.#underway ??= this.#sweepOnce().finally(() => (this.#underway = undefined));
    return this.#underway;
  }

  async #sweepOnce(): Promise<void> {
    try {
      const stuck = await this.sweep();
      for (const { name, error } of stuck) {
        if (!this.#stuck.has(name))
          this.warn(`failed to remove the thread leftover ${name}: ${describeFileError(error)}`);
      }
      this.#stuck = new Set(stuck.map(({ name }) => name));
    } catch (error) {
      this.warn(`failed to list thread leftovers: ${describeFileError(error)}`);
    }
  }
}
