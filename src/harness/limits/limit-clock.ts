/** How often each turn is looked at. */
const INTERVAL_MS = 1000;
/** Parts of the interval, each with its own turns: a look at all of them at once would delay what else the server does. */
const PARTS = 10;

/** Is looked at regularly. */
export interface Looked {
  look(): void;
}

/** One timer for all running turns, so that turns need no timers of their own. It runs only while turns do. */
export class LimitClock {
  readonly #parts: readonly Set<Looked>[] = Array.from({ length: PARTS }, () => new Set<Looked>());
  #count = 0;
  #next = 0;
  /** Made here once: one that is made for a turn would log what it finds of all others under the id of that turn's request. */
  readonly #timer = setTimeout(() => this.#tick(), INTERVAL_MS / PARTS).unref();

  /** Looks about once a second, first after a second, until {@link remove}. */
  add(looked: Looked): void {
    // The part whose looks have just been.
    this.#parts.at(this.#next - 1)?.add(looked);
    this.#count += 1;
    if (this.#count === 1) this.#timer.refresh();
  }

  remove(looked: Looked): void {
    if (this.#parts.some((part) => part.delete(looked))) this.#count -= 1;
  }

  #tick(): void {
    if (this.#count === 0) return;
    this.#timer.refresh();
    const part = this.#parts[this.#next];
    this.#next = (this.#next + 1) % PARTS;
    for (const looked of part ?? []) looked.look();
  }
}
