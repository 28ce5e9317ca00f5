import { setTimeout as wait } from 'node:timers/promises';

/** How many threads are saved at once: each takes some tens of megabytes. */
const AT_ONCE = 4;

/** How long after a turn's end its files are saved: agents write the last lines of their records some hundred milliseconds later. */
const SETTLE_MS = 1000;

const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

/** How long the end of the server waits for a store that does not answer. */
const FLUSH_MS = 60_000;

interface Work<Version> {
  /** What is to be saved next; `undefined` for nothing. */
  wanted: Version | undefined;
  isSaving: boolean;
  /** Whether a failure is not to be tried again. */
  isDropped: boolean;
  /** Ends a delay. */
  hurry: AbortController;
  done: Promise<void>;
}

/** Saves the newest version of each thread: one at a time per thread, a few threads at once, and again after a failure. */
export class SaveQueue<Version> {
  readonly #work = new Map<string, Work<Version>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  #isClosing = false;

  /** @param settleMs delay before a save, in which a newer version can take its place */
  constructor(
    private readonly save: (threadId: string, version: Version) => Promise<void>,
    private readonly onFailure: (threadId: string, error: unknown) => void,
    private readonly settleMs = SETTLE_MS,
  ) {}

  /** Takes the place of a version that has not begun to be saved. */
  add(threadId: string, version: Version): void {
    const known = this.#work.get(threadId);
    if (known !== undefined) {
      known.wanted = version;
      if (known.isDropped) known.hurry = new AbortController();
      known.isDropped = false;
      return;
    }
    const work: Work<Version> = {
      wanted: version,
      isSaving: false,
      isDropped: false,
      hurry: new AbortController(),
      done: Promise.resolve(),
    };
    this.#work.set(threadId, work);
    work.done = this.#run(threadId, work).finally(() => this.#work.delete(threadId));
  }

  /** Gives up what waits. Resolves when nothing is being saved of the thread. */
  async drop(threadId: string): Promise<void> {
    const work = this.#work.get(threadId);
    if (work === undefined) return;
    work.wanted = undefined;
    work.isDropped = true;
    work.hurry.abort();
    await work.done;
  }

  /** Saves everything without delay, and tries nothing twice. Resolves to how many threads could not be saved in time. */
  async flush(): Promise<number> {
    this.#isClosing = true;
    const all = [...this.#work.values()];
    for (const { hurry } of all) hurry.abort();
    const given = new AbortController();
    const late = wait(FLUSH_MS, undefined, { signal: given.signal, ref: false }).catch(() => undefined);
    await Promise.race([Promise.all(all.map(({ done }) => done)), late]);
    given.abort();
    return all.filter(({ wanted, isSaving }) => wanted !== undefined || isSaving).length;
  }

  async #run(threadId: string, work: Work<Version>): Promise<void> {
    for (let failures = 0; work.wanted !== undefined;) {
      await this.#delay(work, failures === 0 ? this.settleMs : retryMs(failures));
      const version = work.wanted;
      if (version === undefined) return;
      await this.#takeSlot();
      try {
        work.wanted = undefined;
        work.isSaving = true;
        await this.save(threadId, version);
        failures = 0;
      } catch (error) {
        this.onFailure(threadId, error);
        failures += 1;
        if (!work.isDropped) work.wanted ??= version;
        if (this.#isClosing) return;
      } finally {
        work.isSaving = false;
        this.#giveSlot();
      }
    }
  }

  async #delay({ hurry }: Work<Version>, ms: number): Promise<void> {
    if (this.#isClosing) return;
    // It rejects only when it is ended early.
    await wait(ms, undefined, { signal: hurry.signal, ref: false }).catch(() => undefined);
  }

  async #takeSlot(): Promise<void> {
    if (this.#running >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running += 1;
  }

  #giveSlot(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}

function retryMs(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), MAX_RETRY_MS);
}
