// A little over 250 lines: the doc comments of what the whole server hangs on are a third of it.
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Observable } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { Database } from '../database/database.js';
import { EventWriter } from './event-writer.js';
import { EventStore } from './event.store.js';
import { LiveTurn, type EventLogStats, type LiveEnd, type LiveReader } from './live-turn.js';
import { LogReader, type Backpressure, type LogReaderSource, type ReplayFilter } from './log-reader.js';
import { StorageOptions } from '../storage-options.js';
import { TurnFinisher } from './turn-finisher.js';
import { TurnWatch } from './turn-watch.js';
import type { TurnOutcome } from '../stores/turn.js';

export type { EventLogStats } from './live-turn.js';
export type { Backpressure } from './log-reader.js';

const FINISH_RETRY_MS = 30_000;
const POLL_MS = 500;

/**
 * The events of every turn, in order. A turn that runs in this process is read from memory, any other from the store; a
 * reader does not see the difference. Events are stored in group commits; a turn's end is stored in one transaction.
 */
@Injectable()
export class EventLog {
  /** The error of the last write, `undefined` once one went well. Starts with the current value; completes with `close`. */
  readonly failure$: Observable<Error | undefined>;
  readonly #logger = new Logger(EventLog.name);
  readonly #store: EventStore;
  readonly #writer: EventWriter;
  readonly #watch: TurnWatch;
  readonly #live = new Map<string, LiveTurn>();
  readonly #readings = new Set<LogReader>();
  readonly #finisher: TurnFinisher;
  readonly #source: LogReaderSource;
  #toNotify = new Set<LiveTurn | LiveReader>();
  #closed = false;

  constructor(@Inject(Database) database: Database, @Inject(StorageOptions) options: StorageOptions) {
    this.#store = new EventStore(database);
    this.#writer = new EventWriter(this.#store, options.flushMs, (turn) => this.#end(turn, { kind: 'moved' }));
    this.#watch = new TurnWatch(this.#store, options.pollMilliseconds ?? POLL_MS);
    const retryMilliseconds = options.finishRetryMs ?? FINISH_RETRY_MS;
    this.#finisher = new TurnFinisher(this.#store, this.#writer, retryMilliseconds);
    this.failure$ = this.#writer.failure$.asObservable();
    this.#source = {
      store: this.#store,
      watch: this.#watch,
      live: (turnId) => this.#live.get(turnId),
      schedule: (reader) => this.#notify(reader),
      onDetach: (turn) => this.#release(turn),
    };
  }

  /** Why the last write failed; `undefined` while writes go well. */
  get lastError(): Error | undefined {
    return this.#writer.failure$.value;
  }

  get stats(): EventLogStats {
    return {
      liveTurns: this.#live.size,
      readers: this.#readings.size,
      pendingEvents: this.#writer.pendingEvents,
    };
  }

  /**
   * Makes a claimed turn live in this process; readers that wait for it join. A turn that is live already goes on under the
   * new attempt. Returns the events of earlier attempts. Rejects when the store cannot be read or the log is closed.
   */
  async open(turn: { readonly id: string; readonly attempt: number }): Promise<readonly HarnessEvent[]> {
    if (this.#closed) throw new Error('the event log is closed');
    const known = this.#live.get(turn.id);
    if (known !== undefined) {
      if (!known.open) throw new Error(`turn ${turn.id} has ended`);
      await this.flush(turn.id);
      known.attempt = turn.attempt;
      return [...known.events];
    }
    const { events, sequence } = turn.attempt > 1 ? await this.#store.readAll(turn.id) : { events: [], sequence: 0 };
    if (this.#closed || this.#live.has(turn.id))
      throw new Error(`turn ${turn.id} cannot be opened: it is already open, or the log is closed`);
    this.#live.set(turn.id, new LiveTurn(turn.id, turn.attempt, events, sequence));
    this.#watch.wake(turn.id);
    return events;
  }

  /**
   * Adds to a live turn. Readers have the events within this turn of the event loop; the store gets them with the next group
   * commit. False, and nothing taken, when the turn is not open here: it has ended, or another process has it.
   */
  append(turnId: string, events: readonly HarnessEvent[]): boolean {
    const turn = this.#live.get(turnId);
    if (turn === undefined || !turn.open) return false;
    if (events.length === 0) return true;
    for (const event of events) turn.events.push(event);
    this.#writer.enqueue(turn);
    if (turn.readers.size > 0) this.#notify(turn);
    return true;
  }

  /**
   * Resolves when everything appended so far is committed, at once for a turn that is not live here. Rejects when the turn
   * is lost to another process, set aside or abandoned before.
   */
  async flush(turnId: string): Promise<void> {
    const turn = this.#live.get(turnId);
    if (turn === undefined || turn.pending === 0) return;
    const written = turn.written();
    void this.#writer.flush();
    await written;
  }

  /**
   * Ends a turn in one transaction: its pending and last events, its own row and its thread's. Readers see the last events,
   * and complete, after the commit.
   *
   * False, and nothing written, when this attempt does not own the turn (any more); its readers go on from the store.
   * Rejects when the store cannot write for `finishRetryMilliseconds`; the readers then wait for another `finish`, or for
   * `abandon`.
   */
  async finish(turnId: string, lastEvents: readonly HarnessEvent[], outcome: TurnOutcome): Promise<boolean> {
    const turn = this.#live.get(turnId);
    if (turn === undefined || !turn.open) return false;
    turn.endWrite = this.#finisher.finish(turn, lastEvents, outcome);
    try {
      const won = await turn.endWrite;
      if (won) for (const event of lastEvents) turn.events.push(event);
      if (won) turn.commit(turn.events.length, turn.sequence);
      this.#end(turn, { kind: won ? 'finished' : 'moved' });
      return won;
    } catch (error) {
      turn.endWrite = undefined;
      if (turn.pending > 0 && turn.end === undefined) this.#writer.enqueue(turn);
      throw error;
    }
  }

  /** Ends the readers of a live turn with an error and forgets the turn; what is not committed yet is lost. */
  abandon(turnId: string, error: Error): void {
    const turn = this.#live.get(turnId);
    if (turn !== undefined) this.#end(turn, { kind: 'abandoned', error });
  }

  /** Writes what is pending of a turn and completes its readers without an end event. Resolves also when that failed (it is logged). */
  async handOff(turnId: string): Promise<void> {
    const turn = this.#live.get(turnId);
    if (turn === undefined) return;
    // An end that is being written is better than none; its failure is reported to whoever finishes the turn.
    await turn.endWrite?.catch(() => false);
    if (turn.end !== undefined) return;
    if (turn.pending > 0) await this.#writer.flush();
    if (turn.pending > 0) this.#logger.error(`${turn.pending} events of turn ${turnId} were not written`);
    this.#end(turn, { kind: 'set-aside' });
  }

  /**
   * The events of a turn from its first one, then live. Cold; each subscription is a reader with its own position.
   *
   * Emits batches of at most 256 events, never an empty one. Completes after the turn's end event; without one when the turn
   * was set aside or cancelled, its events are pruned, or the log closes. A turn that is queued, or runs elsewhere, is waited
   * for. Errors when there is no such turn, it is abandoned, or the store cannot be read. Unsubscribing leaves nothing
   * behind, and does not touch the turn.
   *
   * @param replay what a reader that comes after an attempt died gets instead of the log so far; by default the log without the
   * blocks that the attempt did not finish. A reader that counts events passes one that keeps their number.
   */
  read(turnId: string, flow?: Backpressure, replay?: ReplayFilter): Observable<readonly HarnessEvent[]> {
    return new Observable((subscriber) => {
      if (this.#closed) {
        subscriber.complete();
        return;
      }
      const reading = new LogReader(this.#source, turnId, subscriber, flow, replay);
      this.#readings.add(reading);
      subscriber.add(() => {
        this.#readings.delete(reading);
        reading.close();
      });
      reading.start();
    });
  }

  /** Tells readers that a turn changed in the store; otherwise they find out by themselves, a little later. */
  wakeReaders(turnId: string): void {
    this.#watch.wake(turnId);
  }

  /** Completes all readers, without an end where there is none yet: for a server that stops. They get what was appended so far. */
  async completeReaders(): Promise<void> {
    // Readers without backpressure get what was just appended.
    while (this.#toNotify.size > 0) await new Promise((resolve) => setImmediate(resolve));
    for (const reading of [...this.#readings]) reading.complete();
  }

  /** Deletes the events of turns that ended before this time (milliseconds since the epoch). Gives the number of turns. */
  async prune(before: number): Promise<number> {
    let count = 0;
    for (;;) {
      const pruned = await this.#store.prune(before, Date.now());
      if (pruned === 0) return count;
      count += pruned;
    }
  }

  /** Writes what is pending, completes all readers and takes nothing more. Safe to call again. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const turn of [...this.#live.values()]) {
      if (turn.end === undefined) await this.handOff(turn.id);
    }
    await this.completeReaders();
    await this.#writer.settled();
    this.#writer.stop();
    this.#watch.stop();
  }

  #end(turn: LiveTurn, end: LiveEnd): void {
    if (turn.end !== undefined) return;
    turn.end = end;
    this.#writer.remove(turn);
    turn.rejectWaiters(new Error(`turn ${turn.id} is ${end.kind}`));
    // A finished turn is still the fastest to read for those who are reading it; any other must not be found any more.
    if (end.kind !== 'finished') this.#live.delete(turn.id);
    this.#release(turn);
    if (turn.readers.size > 0) this.#notify(turn);
  }

  /** Frees the memory of a turn that has ended once nobody reads it. */
  #release(turn: LiveTurn): void {
    if (turn.end === undefined || turn.readers.size > 0) return;
    if (this.#live.get(turn.id) === turn) this.#live.delete(turn.id);
  }

  /**
   * Readers are notified in the check phase of this turn of the event loop: after everything that the operating system had ready
   * was read, so that several appends become one batch, and before the process waits for more.
   */
  #notify(what: LiveTurn | LiveReader): void {
    if (this.#toNotify.size === 0) setImmediate(() => this.#flushNotifications());
    this.#toNotify.add(what);
  }

  #flushNotifications(): void {
    const due = this.#toNotify;
    this.#toNotify = new Set();
    for (const what of due) {
      if (!(what instanceof LiveTurn)) what.advance();
      else for (const reader of what.readers) reader.advance();
    }
  }
}
