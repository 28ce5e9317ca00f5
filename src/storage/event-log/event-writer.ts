import { setImmediate } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { BehaviorSubject, Subject } from 'rxjs';
import { isForeignKeyViolation, isUniqueViolation } from '../database/database.js';
import type { EventStore } from './event.store.js';
import type { LiveTurn } from './live-turn.js';
import { toEventRow } from './to-event-row.js';
import type { TurnEventTable } from '../database/tables.js';

/**
 * SQLite runs on the main thread. After a commit the writer pauses this many times as long as the commit took, so that commits
 * become fewer and larger under load: a row costs several times as much as its events, because each turn's rows have their own pages.
 */
const PAUSE_PER_FLUSH = 49;

/** Longest pause between two commits while the store works. */
const MAX_PAUSE_MS = 500;

/**
 * Most turns whose rows are in one transaction with SQLite. Hundreds of rows take it 10 to 20 ms, in which the event loop stands still; what
 * waits, such as the first token of another turn, gets its chance between two transactions.
 */
const MAX_TURNS_PER_COMMIT = 64;

/** Exponential backoff after failed writes; each delay is twice the one before. */
const INITIAL_BACKOFF_MS = 50;
const MAX_BACKOFF_MS = 5_000;

/** Returns the delay before the `failures`-th retry. */
export function computeBackoffMs(failures: number): number {
  return Math.min(INITIAL_BACKOFF_MS * 2 ** Math.max(0, failures - 1), MAX_BACKOFF_MS);
}

/** The position of each written turn after the commit, and the turns that another process has taken over. */
interface Batch {
  readonly written: readonly { readonly turn: LiveTurn; readonly length: number; readonly sequence: number }[];
  readonly lost: readonly LiveTurn[];
}

/** Whether a turn has events for the group commit. */
function isWritable(turn: LiveTurn): boolean {
  return turn.open && turn.pending > 0;
}

/** Writes the pending events of all live turns in group commits. */
export class EventWriter {
  /** The error of the last write, `undefined` after a success. Completes with `stop`. */
  readonly failure$ = new BehaviorSubject<Error | undefined>(undefined);
  /** How long each group commit took, in milliseconds, also of those that failed. Never completes. */
  readonly flushes$ = new Subject<number>();
  readonly #logger = new Logger('EventLog');
  readonly #pending = new Set<LiveTurn>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  /** The transaction of the running write, and what follows from it. */
  #batch: Promise<boolean> | undefined;
  #failures = 0;
  #isStopped = false;
  /** Ends of turns whose write is being retried. */
  #failingEnds = 0;
  #pauseMs: number;

  constructor(
    private readonly store: EventStore,
    private readonly flushMs: number,
    /** Called with a turn that another process has taken over, or that was removed. */
    private readonly onLost: (turn: LiveTurn) => void,
  ) {
    this.#pauseMs = flushMs;
  }

  /** Number of uncommitted events. */
  get pendingEvents(): number {
    let count = 0;
    for (const turn of this.#pending) count += turn.pending;
    return count;
  }

  /** Schedules the write of a turn's pending events. */
  enqueue(turn: LiveTurn): void {
    if (this.#pending.has(turn)) return;
    this.#pending.add(turn);
    this.#schedule();
  }

  /** Unschedules a turn; a running write is not cancelled. */
  remove(turn: LiveTurn): void {
    this.#pending.delete(turn);
  }

  /** Writes pending events now. Resolves after the attempt, also when it failed; never rejects. */
  async flush(): Promise<void> {
    // A running write may have started before the caller's events were appended.
    if (this.#running !== undefined) await this.#running;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await (this.#running ?? this.#start());
  }

  /** Resolves when a transaction that is running now has finished. Never rejects. */
  async settled(): Promise<void> {
    await this.#batch;
  }

  /** Records that the end of a turn failed to be written: the store counts as failing until `finishSettled`. */
  finishFailed(error: unknown): void {
    this.#failingEnds += 1;
    this.#failures += 1;
    this.failure$.next(error instanceof Error ? error : new Error(String(error)));
  }

  /** Records that the retries of a failed end are over: it was written, or given up. */
  finishSettled(written: boolean): void {
    this.#failingEnds -= 1;
    if (written && this.#failingEnds === 0) this.#recordSuccess();
    else this.#schedule();
  }

  /** Stops the timer for good. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending.clear();
    this.failure$.complete();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#running !== undefined || this.#isStopped) return;
    // After a failure, probe the store even when nothing is pending; `/readyz` depends on the result.
    if (this.#pending.size === 0 && (this.#failures === 0 || this.#failingEnds > 0)) return;
    const delayMs = this.#failures > 0 ? computeBackoffMs(this.#failures) : this.#pauseMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#start();
    }, delayMs);
  }

  #start(): Promise<void> {
    this.#running = this.#write().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
    return this.#running;
  }

  async #write(): Promise<void> {
    const turns = [...this.#pending].filter(isWritable);
    if (turns.length === 0) {
      this.#pending.clear();
      return this.#probe();
    }
    const isSqlite = this.store.database.kind === 'sqlite';
    const size = isSqlite ? MAX_TURNS_PER_COMMIT : turns.length;
    let totalMs = 0;
    for (let begin = 0; begin < turns.length; begin += size) {
      if (begin > 0) await setImmediate();
      const startedMs = performance.now();
      this.#batch = this.#writeBatch(turns.slice(begin, begin + size));
      const isWritten = await this.#batch;
      this.#batch = undefined;
      const flushMs = performance.now() - startedMs;
      this.flushes$.next(flushMs);
      totalMs += flushMs;
      // The others are still pending.
      if (!isWritten) break;
    }
    const pauseMs = isSqlite ? totalMs * PAUSE_PER_FLUSH : 0;
    this.#pauseMs = Math.max(this.flushMs, Math.min(pauseMs, MAX_PAUSE_MS));
  }

  /** Writes the events of these turns in one transaction, but for the turns that have ended or left meanwhile. False when it failed. */
  async #writeBatch(batch: readonly LiveTurn[]): Promise<boolean> {
    const turns = batch.filter((turn) => this.#pending.delete(turn) && isWritable(turn));
    if (turns.length === 0) return true;
    try {
      const { written, lost } = await this.#commit(turns);
      for (const { turn, length, sequence } of written) {
        turn.needsResync = false;
        turn.commit(length, sequence);
      }
      for (const turn of lost) this.onLost(turn);
      this.#recordSuccess();
      return true;
    } catch (error) {
      this.#recordFailure(turns, error);
      return false;
    }
  }

  async #probe(): Promise<void> {
    if (this.#failures === 0) return;
    try {
      await this.store.database.probeWrite();
      this.#recordSuccess();
    } catch (error) {
      this.#recordFailure([], error);
    }
  }

  #commit(turns: readonly LiveTurn[]): Promise<Batch> {
    return this.store.database.transaction(async (transaction) => {
      await this.store.database.lockNode(transaction);
      const now = this.store.database.clock.now();
      const rows: TurnEventTable[] = [];
      const written: Batch['written'][number][] = [];
      const lost: LiveTurn[] = [];
      for (const turn of turns) {
        const position = turn.needsResync ? await this.store.resync(transaction, turn) : turn.position;
        if (position.kind === 'lost') {
          lost.push(turn);
          continue;
        }
        const row = toEventRow(turn, position, now);
        if (row !== undefined) rows.push(row);
        written.push({ turn, length: turn.events.length, sequence: row?.sequence ?? position.sequence });
      }
      await this.store.insert(transaction, rows);
      return { written, lost };
    });
  }

  #recordFailure(turns: readonly LiveTurn[], error: unknown): void {
    // A duplicate row, or a row whose turn was removed, concerns one turn: the others are retried without backoff. The next write
    // resyncs every turn first and leaves that one out.
    const concernsOneTurn =
      (isUniqueViolation(error) || isForeignKeyViolation(error)) && turns.some((turn) => !turn.needsResync);
    for (const turn of turns) {
      turn.needsResync = true;
      if (turn.end === undefined) this.#pending.add(turn);
    }
    if (concernsOneTurn) return;
    this.#failures += 1;
    const failure = error instanceof Error ? error : new Error(String(error));
    this.#logger.error(
      `failed to write events (attempt ${this.#failures}, ${this.pendingEvents} pending): ${failure.message}`,
    );
    this.failure$.next(failure);
  }

  #recordSuccess(): void {
    if (this.#failures === 0) return;
    this.#logger.log(`event writes recovered after ${this.#failures} failures`);
    this.#failures = 0;
    this.failure$.next(undefined);
  }
}
