import type { HarnessEvent } from '../../domain/harness-event.js';

/** How much the log holds at the moment. */
export interface EventLogStats {
  /** Turns whose events are in memory. */
  readonly liveTurns: number;
  readonly readers: number;
  /** Events that wait for a commit. */
  readonly pendingEvents: number;
}

/** How a live turn leaves memory. */
export type LiveEnd =
  /** Its end is committed. */
  | { readonly kind: 'finished' }
  /** The server is leaving: readers are let go without an end event. */
  | { readonly kind: 'set-aside' }
  /** Another process has it now; readers go on from the store. */
  | { readonly kind: 'moved' }
  /** Its end could not be written. */
  | { readonly kind: 'abandoned'; readonly error: Error };

/** Whoever wants to know that there is more in a live turn. */
export interface LiveReader {
  /** Called after events were added or the turn has ended, at most once per turn of the event loop. */
  advance(): void;
}

/** Where the next write of a turn goes. */
export interface WritePosition {
  readonly kind: 'owned';
  /** How many of the turn's events are committed. */
  readonly committed: number;
  /** Number of the last row. */
  readonly sequence: number;
}

interface Waiter {
  readonly target: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** A turn whose events are in memory: it runs in this process, or ended a moment ago and is still read. */
export class LiveTurn {
  /** All events of the turn, from its first. */
  readonly events: HarnessEvent[];
  readonly readers = new Set<LiveReader>();
  /** How many of `events` are committed. */
  committed: number;
  /** Number of the last row that was written. */
  sequence: number;
  /** A write failed, so that what the store holds is not certain: look before the next write. */
  needsResync = false;
  /** Set while `finish` writes the end: nothing more is taken, and the group commit leaves the turn alone. */
  endWrite: Promise<boolean> | undefined;
  end: LiveEnd | undefined;
  #waiters: Waiter[] = [];
  #replay: { readonly length: number; readonly events: readonly HarnessEvent[] } | undefined;

  constructor(
    readonly id: string,
    public attempt: number,
    earlier: readonly HarnessEvent[],
    sequence: number,
  ) {
    this.events = [...earlier];
    this.committed = earlier.length;
    this.sequence = sequence;
  }

  /** Where the next write goes, as far as this process knows. */
  get position(): WritePosition {
    return { kind: 'owned', committed: this.committed, sequence: this.sequence };
  }

  /** How many events wait for a commit. */
  get pending(): number {
    return this.events.length - this.committed;
  }

  /** Whether more may be appended. */
  get open(): boolean {
    return this.end === undefined && this.endWrite === undefined;
  }

  /** Resolves when everything appended so far is committed; rejects when that cannot happen any more. */
  written(): Promise<void> {
    if (this.pending === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiters.push({ target: this.events.length, resolve, reject });
    });
  }

  commit(length: number, sequence: number): void {
    this.committed = length;
    this.sequence = sequence;
    if (this.#waiters.length === 0) return;
    const reached = this.#waiters.filter((waiter) => waiter.target <= length);
    this.#waiters = this.#waiters.filter((waiter) => waiter.target > length);
    for (const waiter of reached) waiter.resolve();
  }

  /** Lets everybody go who waits for a commit that will not come. */
  rejectWaiters(error: Error): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) waiter.reject(error);
  }

  /** What `make` gives for the events that are there now; made once for all readers that start at the same moment. */
  replay(make: (events: readonly HarnessEvent[]) => readonly HarnessEvent[]): readonly HarnessEvent[] {
    if (this.#replay?.length !== this.events.length) {
      this.#replay = { length: this.events.length, events: make(this.events) };
    }
    return this.#replay.events;
  }
}
