/** How long after one was taken the next is made: the turn that took it comes first. */
const PAUSE_MS = 5;

/** Has something ready for the next one who needs it, such as folders that take a disk a while to make. */
export class MadeAhead<Made> {
  #ready: Promise<Made | undefined> | undefined;
  #isClosed = false;

  /** @param make what it rejects with is not told: whoever then makes it for himself meets the same problem. */
  constructor(private readonly make: () => Promise<Made>) {}

  /** What is ready or being made, for this caller alone; `undefined` for nothing. Has the next one made soon. Never rejects. */
  async take(): Promise<Made | undefined> {
    const taken = this.#ready;
    this.#ready = undefined;
    setTimeout(() => {
      if (!this.#isClosed) this.#ready ??= this.make().catch(() => undefined);
    }, PAUSE_MS).unref();
    return taken;
  }

  /** Makes no more. Resolves to what is left, once it is made. */
  async close(): Promise<Made | undefined> {
    this.#isClosed = true;
    const left = this.#ready;
    this.#ready = undefined;
    return left;
  }
}
