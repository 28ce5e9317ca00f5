// Over 250 lines because a third of the file is doc comments.
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Observable, type Observer, type Unsubscribable } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { Database } from '../database/database.js';
import { EventWriter } from './event-writer.js';
import { EventStore } from './event.store.js';
import { LiveTurn, type EventLogStats, type LiveEnd, type LiveReader } from './live-turn.js';
import { LogReader, type Backpressure, type LogReaderSource, type ReplayFilter } from './log-reader.js';
import { Mirrors, type FeedMessage, type RemoteTurns } from './mirrors.js';
import { StorageOptions } from '../storage-options.js';
import { TurnFeed } from './turn-feed.js';
import { TurnFinisher } from './turn-finisher.js';
import { TurnWatch } from './turn-watch.js';
import type { TurnOutcome } from '../stores/turn.js';

export type { EventLogStats } from './live-turn.js';
export type { Backpressure } from './log-reader.js';

const FINISH_RETRY_MS = 30_000;
const POLL_MS = 500;

/**
 * The events of every turn, in order. Turns that run in this process are read from memory, others from the store; readers see
 * no difference. Events are stored in group commits, the end of a turn in one transaction.
 */
@Injectable()
export class EventLog {
  /** The error of the last write, `undefined` after a success. Starts with the current value; completes with `close`. */
  readonly failure$: Observable<Error | undefined>;
  readonly #logger = new Logger(EventLog.name);
  readonly #store: EventStore;
  readonly #writer: EventWriter;
  readonly #watch: TurnWatch;
  readonly #live = new Map<string, LiveTurn>();
  readonly #readers = new Set<LogReader>();
  readonly #finisher: TurnFinisher;
  readonly #source: LogReaderSource;
  #mirrors: Mirrors | undefined;
  #toNotify = new Set<LiveTurn | LiveReader>();
  #closed = false;

  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(StorageOptions) options: StorageOptions,
  ) {
    this.#store = new EventStore(database, options);
    this.#writer = new EventWriter(this.#store, options.flushMs, (turn) => this.#end(turn, { kind: 'taken-over' }));
    this.#watch = new TurnWatch(this.#store, options.pollMs ?? POLL_MS);
    const retryMs = options.finishRetryMs ?? FINISH_RETRY_MS;
    this.#finisher = new TurnFinisher(this.#store, this.#writer, retryMs);
    this.failure$ = this.#writer.failure$.asObservable();
    this.#source = {
      store: this.#store,
      watch: this.#watch,
      live: (turnId) => this.#live.get(turnId) ?? this.#mirrors?.get(turnId),
      mirrors: () => this.#mirrors,
      schedule: (reader) => this.#notify(reader),
      onDetach: (turn) => {
        this.#release(turn);
        this.#mirrors?.release(turn);
      },
      onClose: (reader) => this.#readers.delete(reader),
    };
  }

  /** Why the last write failed; `undefined` after a success. */
  get lastError(): Error | undefined {
    return this.#writer.failure$.value;
  }

  /** How long each group commit took, in milliseconds. Never completes. */
  get flushes$(): Observable<number> {
    return this.#writer.flushes$;
  }

  get stats(): EventLogStats {
    return {
      liveTurns: this.#live.size,
      readers: this.#readers.size,
      pendingEvents: this.#writer.pendingEvents,
    };
  }

  /**
   * Makes a claimed turn live in this process and attaches the readers that wait for it. A turn that is already live continues
   * under the new attempt. Returns the events of earlier attempts. Rejects when the store cannot be read or the log is closed.
   */
  async open(turn: { readonly id: string; readonly attempt: number }): Promise<readonly HarnessEvent[]> {
    if (this.#closed) throw new Error('the event log is closed');
    const live = this.#live.get(turn.id);
    if (live !== undefined) {
      if (!live.open) throw new Error(`turn ${turn.id} has ended`);
      await this.flush(turn.id);
      live.beginAttempt(turn.attempt);
      return [...live.events];
    }
    const stored = turn.attempt > 1 ? await this.#store.readAll(turn.id) : { events: [], starts: [], sequence: 0 };
    const { events, sequence } = stored;
    if (this.#closed || this.#live.has(turn.id))
      throw new Error(`cannot open turn ${turn.id}: it is already open, or the log is closed`);
    const opened = new LiveTurn(turn.id, turn.attempt, events, sequence, stored.starts);
    opened.beginAttempt(turn.attempt);
    this.#live.set(turn.id, opened);
    this.#watch.wake(turn.id);
    return events;
  }

  /**
   * Appends events to a live turn. Readers get them within this turn of the event loop; the next group commit stores them.
   * False, and nothing appended, when the turn is not open here: it has ended, or another process runs it.
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
   * Resolves when everything appended so far is committed; immediately for a turn that is not live here. Rejects when the turn
   * is taken over by another process, handed off or abandoned before that.
   */
  async flush(turnId: string): Promise<void> {
    const turn = this.#live.get(turnId);
    if (turn === undefined || turn.pending === 0) return;
    const flushed = turn.flushed();
    void this.#writer.flush();
    await flushed;
  }

  /**
   * Ends a turn in one transaction, which writes its pending and last events, its row and its thread's row. Readers get the
   * last events, and complete, after the commit.
   *
   * False, and nothing written, when this attempt does not own the turn (any more); its readers continue from the store.
   * Rejects when the store cannot write for `finishRetryMs`; the readers then wait for another `finish` or for `abandon`.
   */
  async finish(turnId: string, lastEvents: readonly HarnessEvent[], outcome: TurnOutcome): Promise<boolean> {
    const turn = this.#live.get(turnId);
    if (turn === undefined || !turn.open) return false;
    turn.endWrite = this.#finisher.finish(turn, lastEvents, outcome);
    try {
      const won = await turn.endWrite;
      if (won) for (const event of lastEvents) turn.events.push(event);
      if (won) turn.commit(turn.events.length, turn.sequence);
      this.#end(turn, { kind: won ? 'finished' : 'taken-over' });
      return won;
    } catch (error) {
      turn.endWrite = undefined;
      if (turn.pending > 0 && turn.end === undefined) this.#writer.enqueue(turn);
      throw error;
    }
  }

  /** Fails the readers of a live turn and drops the turn from memory; uncommitted events are lost. */
  abandon(turnId: string, error: Error): void {
    const turn = this.#live.get(turnId);
    if (turn !== undefined) this.#end(turn, { kind: 'abandoned', error });
  }

  /** Writes a turn's pending events and completes its readers without an end event. A failed write is logged and does not reject. */
  async handOff(turnId: string): Promise<void> {
    const turn = this.#live.get(turnId);
    if (turn === undefined) return;
    // Prefer an end that is being written; the caller of `finish` gets its failure.
    await turn.endWrite?.catch(() => false);
    if (turn.end !== undefined) return;
    if (turn.pending > 0) await this.#writer.flush();
    if (turn.pending > 0)
      this.#logger.error({ turnId, events: turn.pending }, 'failed to write the last events of a turn');
    this.#end(turn, { kind: 'handed-off' });
  }

  /**
   * Replays the events of a turn from the first, then follows it live. Cold; each subscription is a reader with its own position.
   *
   * Emits batches of 1 to 256 events. Completes after the turn's end event, or without one when the turn was handed off or
   * cancelled, its events are pruned, or the log closes. Waits for a turn that is queued or runs elsewhere. Errors when there is
   * no such turn, it is abandoned, or the store cannot be read. Unsubscribing frees the reader and does not affect the turn.
   *
   * @param replay replaces the log so far for a reader that joins after an attempt died; by default it drops the blocks that the
   * attempt did not finish. A reader that counts events passes one that keeps their number.
   */
  read(turnId: string, flow?: Backpressure, replay?: ReplayFilter): Observable<readonly HarnessEvent[]> {
    return new Observable((subscriber) => {
      const reader = new LogReader(this.#source, turnId, subscriber, flow, replay);
      subscriber.add(reader);
      this.#start(reader);
    });
  }

  /** As {@link read}, for one observer, which must not throw: an observable between the two would take 300 bytes of each open stream. */
  follow(
    turnId: string,
    observer: Observer<readonly HarnessEvent[]>,
    flow?: Backpressure,
    replay?: ReplayFilter,
  ): Unsubscribable {
    const reader = new LogReader(this.#source, turnId, observer, flow, replay);
    this.#start(reader);
    return reader;
  }

  /** The stored events of an ended turn; empty if they are pruned. Rejects when the store cannot be read. */
  async readAll(turnId: string): Promise<readonly HarnessEvent[]> {
    return (await this.#store.readAll(turnId)).events;
  }

  /** Reads turns that run on other nodes from there, from now on; without it, from the store, a poll late. */
  readRemotely(remote: RemoteTurns): void {
    this.#mirrors = new Mirrors(remote, (turn) => this.#notify(turn));
  }

  /**
   * The events of a turn that runs here, for another node's {@link readRemotely}; see {@link TurnFeed}. Waits for a turn that has not begun.
   *
   * Cold. Completes at the turn's end, or when another node has begun it. Unsubscribing frees it, and does not affect the turn.
   */
  feed(turnId: string, flow: Backpressure): Observable<FeedMessage> {
    return new Observable((subscriber) => {
      // Not the turns that are themselves shown from another node.
      const source = { ...this.#source, live: (id: string) => this.#live.get(id) };
      const feed = new TurnFeed(source, turnId, subscriber, flow);
      subscriber.add(() => feed.close());
      feed.start();
    });
  }

  /** Lets go of all turns that run here, as other nodes run them now: readers continue from there. Events that are not committed are lost. */
  releaseAll(): void {
    for (const turn of [...this.#live.values()]) this.#end(turn, { kind: 'taken-over' });
  }

  /** Wakes the readers of a turn that changed in the store. Without it they notice at their next poll. */
  wakeReaders(turnId: string): void {
    this.#watch.wake(turnId);
  }

  /** Completes all readers after the events appended so far, without an end event where there is none: for a server that stops. */
  async completeReaders(): Promise<void> {
    // Readers whose flow is ready get the events that were just appended.
    while (this.#toNotify.size > 0) await new Promise((resolve) => setImmediate(resolve));
    for (const reader of [...this.#readers]) reader.complete();
  }

  /** Deletes the events of turns that ended before this time (milliseconds since the epoch). Returns the number of turns. */
  async prune(before: number): Promise<number> {
    let count = 0;
    for (;;) {
      const pruned = await this.#store.prune(before, this.database.clock.now());
      if (pruned === 0) return count;
      count += pruned;
    }
  }

  /** Writes pending events, completes all readers and rejects further appends. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const turn of [...this.#live.values()]) {
      if (turn.end === undefined) await this.handOff(turn.id);
    }
    await this.completeReaders();
    await this.#writer.settled();
    this.#writer.stop();
    this.#watch.stop();
    this.#mirrors?.close();
  }

  #start(reader: LogReader): void {
    if (this.#closed) {
      reader.complete();
      return;
    }
    this.#readers.add(reader);
    reader.start();
  }

  #end(turn: LiveTurn, end: LiveEnd): void {
    if (turn.end !== undefined) return;
    turn.end = end;
    this.#writer.remove(turn);
    turn.rejectWaiters(`turn ${turn.id} is no longer live: ${end.kind}`);
    // A finished turn stays until its readers have read it from memory; any other must not be found any more.
    if (end.kind !== 'finished') this.#live.delete(turn.id);
    this.#release(turn);
    if (turn.readers.size > 0) this.#notify(turn);
  }

  /** Frees the memory of an ended turn once it has no readers. */
  #release(turn: LiveTurn): void {
    if (turn.end === undefined || turn.readers.size > 0) return;
    if (this.#live.get(turn.id) === turn) this.#live.delete(turn.id);
  }

  /**
   * Notifies readers in the check phase of this turn of the event loop: after all available input was read, so that several
   * appends become one batch, and before the process waits for more.
   */
  #notify(target: LiveTurn | LiveReader): void {
    if (this.#toNotify.size === 0) setImmediate(() => this.#flushNotifications());
    this.#toNotify.add(target);
  }

  #flushNotifications(): void {
    const due = this.#toNotify;
    this.#toNotify = new Set();
    for (const target of due) {
      if (!(target instanceof LiveTurn)) target.advance();
      else for (const reader of target.readers) reader.advance();
    }
  }
}
