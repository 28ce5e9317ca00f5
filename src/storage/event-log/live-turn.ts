import type { HarnessEvent } from '../../domain/harness-event.js';
import type { AttemptStart } from './event-rows.js';

/** Current counts of the event log. */
export interface EventLogStats {
  /** Turns whose events are in memory. */
  readonly liveTurns: number;
  readonly readers: number;
  /** Uncommitted events. */
  readonly pendingEvents: number;
}

/** Why a turn stopped being live. */
export type LiveEnd =
  /** Its end is committed. */
  | { readonly kind: 'finished' }
  /** The server stops: readers complete without an end event, and the next server resumes the turn. */
  | { readonly kind: 'handed-off' }
  /** Another process runs the turn now; readers continue from the store. */
  | { readonly kind: 'taken-over' }
  /** The end could not be written. */
  | { readonly kind: 'abandoned'; readonly error: Error };

/** A reader attached to a live turn. */
export interface LiveReader {
  /** Called after events were appended or the turn has ended, at most once per turn of the event loop. */
  advance(): void;
}

/** The position of a turn's next write. */
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

/** A turn whose events are in memory: it runs in this process, or on another node that sends them here, or has just ended and still has readers. */
export class LiveTurn {
  /** All events of the turn, from the first. */
  readonly events: HarnessEvent[];
  readonly readers = new Set<LiveReader>();
  /** How many of `events` are committed. */
  committed: number;
  /** Number of the last written row. */
  sequence: number;
  /** A write failed with unknown outcome: read the stored position before the next write. */
  needsResync = false;
  /** Set while `finish` writes the end: appends are rejected, and the group commit skips the turn. */
  endWrite: Promise<boolean> | undefined;
  end: LiveEnd | undefined;
  /** Replaced instead of added to, as an array that grows gets room for 17. */
  #starts: readonly AttemptStart[];
  #waiters: Waiter[] = [];
  #replay: { readonly length: number; readonly events: readonly HarnessEvent[] } | undefined;

  constructor(
    readonly id: string,
    public attempt: number,
    earlier: readonly HarnessEvent[],
    sequence: number,
    starts: readonly AttemptStart[] = [],
  ) {
    this.events = [...earlier];
    this.committed = earlier.length;
    this.sequence = sequence;
    this.#starts = starts;
  }

  /** Where each attempt begins in `events`, as far as it is known, in order. */
  get starts(): readonly AttemptStart[] {
    return this.#starts;
  }

  /** Goes on with a later attempt, whose events begin at `index`; by default after all events so far. */
  beginAttempt(attempt: number, index = this.events.length): void {
    this.attempt = attempt;
    this.#starts = this.#starts.concat({ attempt, index });
  }

  /**
   * Where the events begin that replace those which a reader of this attempt may have got too many of: an attempt that dies may have shown
   * events that it did not store. `Infinity` when no later attempt has begun.
   */
  startAfter(attempt: number): number {
    const later = this.#starts.filter((start) => start.attempt > attempt);
    return Math.min(Infinity, ...later.map(({ index }) => index));
  }

  /** The position of the next write, as far as this process knows. */
  get position(): WritePosition {
    return { kind: 'owned', committed: this.committed, sequence: this.sequence };
  }

  /** Number of uncommitted events. */
  get pending(): number {
    return this.events.length - this.committed;
  }

  /** Whether the turn accepts events. */
  get open(): boolean {
    return this.end === undefined && this.endWrite === undefined;
  }

  /** Whether a later attempt has begun and its harness has not emitted anything. */
  get isResuming(): boolean {
    return this.end === undefined && this.events.at(-1)?.type === 'attempt-start';
  }

  /** Resolves when everything appended so far is committed; rejects when that can no longer happen. */
  flushed(): Promise<void> {
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

  /** Rejects all pending `flushed` promises. */
  rejectWaiters(reason: string): void {
    const waiters = this.#waiters;
    // Most turns have none, and an error takes long to make.
    if (waiters.length === 0) return;
    this.#waiters = [];
    const error = new Error(reason);
    for (const waiter of waiters) waiter.reject(error);
  }

  /** Applies `filter` to the events so far; computed once for all readers that start at the same length. */
  replay(filter: (events: readonly HarnessEvent[]) => readonly HarnessEvent[]): readonly HarnessEvent[] {
    if (this.#replay?.length !== this.events.length) {
      this.#replay = { length: this.events.length, events: filter(this.events) };
    }
    return this.#replay.events;
  }
}
