import { Logger } from '@nestjs/common';
import { BehaviorSubject } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { isForeignKeyViolation, isUniqueViolation } from '../database/database.js';
import type { EventStore } from './event.store.js';
import type { LiveTurn } from './live-turn.js';
import type { TurnEventTable } from '../database/tables.js';

/**
 * SQLite works on the main thread: after a commit it rests this many times as long as the commit took, so that commits become
 * fewer and larger under load. A row costs several times what its events do, as each turn's rows are on pages of their own.
 */
const PAUSE_PER_FLUSH = 49;

/** Longest wait between two commits while the store works, in milliseconds. */
const LONGEST_REST_MS = 500;

/** First and longest wait after a failed write, in milliseconds; each wait is twice the one before. */
const FIRST_RETRY_MS = 50;
const LONGEST_RETRY_MS = 5_000;

/** How long to wait before the `failures`-th retry, in milliseconds. */
export function retryDelay(failures: number): number {
  return Math.min(FIRST_RETRY_MS * 2 ** Math.max(0, failures - 1), LONGEST_RETRY_MS);
}

/** Where each turn of a write is once it is committed, and the turns that turned out to be another process's. */
interface Batch {
  readonly written: readonly { readonly turn: LiveTurn; readonly length: number; readonly sequence: number }[];
  readonly lost: readonly LiveTurn[];
}

/** Writes the pending events of all live turns, together, every few milliseconds. */
export class EventWriter {
  /** The error of the last write, `undefined` once one went well. Never completes. */
  readonly failure$ = new BehaviorSubject<Error | undefined>(undefined);
  readonly #logger = new Logger('EventLog');
  readonly #pending = new Set<LiveTurn>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #failures = 0;
  #isStopped = false;
  /** Ends of turns that cannot be written at the moment. */
  #blockedEnds = 0;
  #pauseMs: number;

  constructor(
    private readonly store: EventStore,
    private readonly flushMs: number,
    /** Called with a turn that another process has taken over, or that is gone. */
    private readonly onLost: (turn: LiveTurn) => void,
  ) {
    this.#pauseMs = flushMs;
  }

  /** Events that wait for a commit. */
  get pendingEvents(): number {
    let count = 0;
    for (const turn of this.#pending) count += turn.pending;
    return count;
  }

  /** Notes that a turn has events to write. */
  enqueue(turn: LiveTurn): void {
    if (this.#pending.has(turn)) return;
    this.#pending.add(turn);
    this.#schedule();
  }

  /** Forgets a turn; a write that is under way goes on. */
  remove(turn: LiveTurn): void {
    this.#pending.delete(turn);
  }

  /** Writes what is pending without waiting. Resolves when that was tried; never rejects. */
  async flush(): Promise<void> {
    // What is under way may have begun before the caller's events were there.
    if (this.#running !== undefined) await this.#running;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await (this.#running ?? this.#start());
  }

  /** Resolves when no write is under way that began before this call. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** The end of a turn cannot be written: the store counts as failing until it can be, or is given up. */
  blockEnd(error: unknown): void {
    this.#blockedEnds += 1;
    this.#failures += 1;
    this.failure$.next(error instanceof Error ? error : new Error(String(error)));
  }

  /** An end that was blocked was written, or given up. */
  unblockEnd(written: boolean): void {
    this.#blockedEnds -= 1;
    if (written && this.#blockedEnds === 0) this.#recovered();
    else this.#schedule();
  }

  /** No timer afterwards. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pending.clear();
    this.failure$.complete();
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#running !== undefined || this.#isStopped) return;
    // Without anything to write, a store that failed is asked until it answers: readiness depends on it.
    if (this.#pending.size === 0 && (this.#failures === 0 || this.#blockedEnds > 0)) return;
    const delay = this.#failures > 0 ? retryDelay(this.#failures) : this.#pauseMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#start();
    }, delay);
  }

  #start(): Promise<void> {
    this.#running = this.#write().finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
    return this.#running;
  }

  async #write(): Promise<void> {
    const turns = [...this.#pending].filter((turn) => turn.open && turn.pending > 0);
    this.#pending.clear();
    if (turns.length === 0) return this.#probe();
    const begin = performance.now();
    try {
      const batch = await this.#commit(turns);
      for (const { turn, length, sequence } of batch.written) {
        turn.needsResync = false;
        turn.commit(length, sequence);
      }
      for (const turn of batch.lost) this.onLost(turn);
      this.#recovered();
    } catch (error) {
      this.#failed(turns, error);
    }
    const rest = this.store.database.kind === 'sqlite' ? (performance.now() - begin) * PAUSE_PER_FLUSH : 0;
    this.#pauseMs = Math.max(this.flushMs, Math.min(rest, LONGEST_REST_MS));
  }

  async #probe(): Promise<void> {
    if (this.#failures === 0) return;
    try {
      await this.store.database.tryToWrite();
      this.#recovered();
    } catch (error) {
      this.#failed([], error);
    }
  }

  #commit(turns: readonly LiveTurn[]): Promise<Batch> {
    return this.store.database.transaction(async (transaction) => {
      const now = Date.now();
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

  #failed(turns: readonly LiveTurn[], error: unknown): void {
    // A row that is there already, or whose turn is gone, concerns one turn: the others must not wait for it. Every turn is
    // looked up before the next write, which leaves that one out.
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
      `failed to write events (try ${this.#failures}, ${this.pendingEvents} are waiting): ${failure.message}`,
    );
    this.failure$.next(failure);
  }

  #recovered(): void {
    if (this.#failures === 0) return;
    this.#logger.log(`event writes recovered after ${this.#failures} failures`);
    this.#failures = 0;
    this.failure$.next(undefined);
  }
}

/** The row with everything that is pending of a turn; `undefined` when nothing is. */
export function toEventRow(
  turn: LiveTurn,
  position: { readonly committed: number; readonly sequence: number },
  now: number,
  last: readonly HarnessEvent[] = [],
): TurnEventTable | undefined {
  const events = [...turn.events.slice(position.committed), ...last];
  if (events.length === 0) return undefined;
  return {
    turn_id: turn.id,
    sequence: position.sequence + 1,
    attempt: turn.attempt,
    first_index: position.committed,
    events: JSON.stringify(events),
    created_at: now,
  };
}
