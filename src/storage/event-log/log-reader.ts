// Over 250 lines because it holds all transitions between a reader's three sources: memory, store and waiting.
import { Subscription, type Observable, type Observer, type Unsubscribable } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { dropAbandonedBlocks } from '../../domain/abandoned-blocks.js';
import { unreadEvents, type EventRow } from './event-rows.js';
import type { EventStore } from './event.store.js';
import type { LiveReader, LiveTurn } from './live-turn.js';
import type { Mirrors } from './mirrors.js';
import type { TurnWatch } from './turn-watch.js';
import { hasEnded } from '../stores/turn.js';

/** A reader's back-pressure. While it is not ready, the reader gets no events, and none are buffered for it. */
export interface Backpressure {
  isReady(): boolean;
  /** Emits when the reader may be ready again. */
  readonly resumed$: Observable<unknown>;
}

/** The parts of the event log that a reader uses. */
export interface LogReaderSource {
  readonly store: EventStore;
  readonly watch: TurnWatch;
  live(turnId: string): LiveTurn | undefined;
  /** The turns that other nodes run; `undefined` if there are no other nodes. */
  mirrors(): Mirrors | undefined;
  /** Schedules one `advance` for a later turn of the event loop. */
  schedule(reader: LiveReader): void;
  /** Called when a reader has detached from this live turn. */
  onDetach(turn: LiveTurn): void;
  /** Called when a reader is done, once. */
  onClose(reader: LogReader): void;
}

/** Replaces the log so far for a reader that joins a resumed turn. */
export type ReplayFilter = (events: readonly HarnessEvent[]) => readonly HarnessEvent[];

/** Most events in one emission, so that a reader far behind does not block the others. */
export const MAX_BATCH_EVENTS = 256;

/** Most rows that a reader of a stored turn holds in memory. */
const ROWS_PER_PAGE = 64;

/** One reader of a turn: its position in the log, which it reads from memory or from the store, and its wait for more. */
export class LogReader implements LiveReader, Unsubscribable {
  #position = 0;
  #sequence = 0;
  /** The attempt of the events up to `#position`; 0 before the first one. */
  #attempt = 0;
  /** For a reader that joined a resumed turn: replaces the log up to `#position`, without what dead attempts left unfinished. */
  #replay: { readonly events: readonly HarnessEvent[]; position: number } | undefined;
  /** Rows that were read from the store and not emitted yet. */
  #rows: readonly EventRow[] = [];
  #turn: LiveTurn | undefined;
  #flowSubscription: Subscription | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(
    private readonly source: LogReaderSource,
    private readonly turnId: string,
    private readonly observer: Observer<readonly HarnessEvent[]>,
    private readonly flow: Backpressure | undefined,
    private readonly replay: ReplayFilter | undefined,
  ) {}

  start(): void {
    const turn = this.source.live(this.turnId);
    if (turn === undefined) void this.#readStore();
    else this.#attach(turn);
  }

  /** Detaches the reader and frees everything it holds; its observer hears nothing more. Idempotent. */
  unsubscribe(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#detach();
    this.#flowSubscription?.unsubscribe();
    this.#replay = undefined;
    this.#rows = [];
    this.#wake?.();
    this.source.onClose(this);
  }

  /** Completes the reader without an end event. */
  complete(): void {
    if (this.#closed) return;
    this.unsubscribe();
    this.observer.complete();
  }

  advance(): void {
    const turn = this.#turn;
    if (turn === undefined || this.#closed || this.#waitsForFlow()) return;
    if (this.#position === 0 && turn.attempt > 1) {
      // Its harness first says what it drops of the dead attempt: until then, the reader would get that as well.
      if (turn.isResuming) return;
      this.#replay = { events: this.replay?.(turn.events) ?? turn.replay(dropAbandonedBlocks), position: 0 };
      this.#position = turn.events.length;
    }
    const slice = this.#next(turn);
    if (slice.length > 0) this.observer.next(slice);
    // The observer may have unsubscribed during `next`.
    if (this.#closed) return;
    if (this.#replay !== undefined || this.#position < turn.events.length) this.source.schedule(this);
    else if (turn.end !== undefined) this.#handleEnd(turn);
  }

  #attach(turn: LiveTurn): void {
    this.#turn = turn;
    this.#rows = [];
    turn.readers.add(this);
    if (this.#position > 0) this.#position = Math.min(this.#position, turn.startAfter(this.#attempt));
    this.#attempt = turn.attempt;
    this.advance();
  }

  #detach(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
    this.#attempt = turn.attempt;
    turn.readers.delete(this);
    this.source.onDetach(turn);
  }

  #next(turn: LiveTurn): readonly HarnessEvent[] {
    const replay = this.#replaySlice();
    if (replay !== undefined) return replay;
    const slice = turn.events.slice(this.#position, this.#position + MAX_BATCH_EVENTS);
    this.#position += slice.length;
    return slice;
  }

  #replaySlice(): readonly HarnessEvent[] | undefined {
    const replay = this.#replay;
    if (replay === undefined) return undefined;
    const slice = replay.events.slice(replay.position, replay.position + MAX_BATCH_EVENTS);
    replay.position += slice.length;
    if (replay.position >= replay.events.length) this.#replay = undefined;
    return slice;
  }

  #handleEnd(turn: LiveTurn): void {
    const end = turn.end;
    switch (end?.kind) {
      case 'finished':
      case 'handed-off':
        this.complete();
        return;
      case 'abandoned':
        this.#fail(end.error);
        return;
      case 'taken-over':
        // The other process continues from the committed log: uncommitted events are lost.
        this.#position = Math.min(this.#position, turn.committed);
        this.#detach();
        void this.#readStore();
        return;
      case undefined:
        return;
      default: {
        const unknownEnd: never = end;
        throw new Error(`unknown end of a live turn: ${String(unknownEnd)}`);
      }
    }
  }

  /** True while the flow is not ready; reading continues once it is. */
  #waitsForFlow(): boolean {
    if (this.flow === undefined || this.flow.isReady()) return false;
    if (this.#flowSubscription === undefined) {
      const subscription = new Subscription();
      this.#flowSubscription = subscription;
      subscription.add(this.flow.resumed$.subscribe(() => this.#resume()));
    }
    return true;
  }

  #resume(): void {
    if (this.flow?.isReady() === false) return;
    this.#flowSubscription?.unsubscribe();
    this.#flowSubscription = undefined;
    if (this.#turn === undefined) this.#wake?.();
    else this.advance();
  }

  async #readStore(): Promise<void> {
    try {
      while (!this.#closed) {
        const turn = this.source.live(this.turnId);
        if (turn !== undefined) {
          this.#attach(turn);
          return;
        }
        if (!this.#waitsForFlow()) {
          if (await this.#readPage()) return;
        } else if (this.#flowSubscription !== undefined) {
          await this.#waitForWake(() => undefined);
        }
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#closed) return;
    this.unsubscribe();
    this.observer.error(error);
  }

  /** Emits at most one page of the store's rows. True when the turn has ended and everything was emitted. */
  async #readPage(): Promise<boolean> {
    const { store } = this.source;
    const replay = this.#replaySlice();
    if (replay !== undefined) {
      this.#emit(replay);
      return false;
    }
    if (this.#rows.length > 0) {
      this.#emitRows();
      return false;
    }
    // Read the state before the rows: once a turn has ended, no rows follow.
    const turn = await store.turn(this.turnId);
    if (turn === undefined) throw new Error(`there is no turn ${this.turnId}`);
    if (!hasEnded(turn.state) && this.source.mirrors()?.canTry(this.turnId) === true) {
      await this.#waitForWake((wake) => this.#watchFor(wake));
      return false;
    }
    if (this.#position === 0 && turn.attempt > 1 && (await this.#loadReplay())) return false;
    const rows = await store.readPage(this.turnId, this.#sequence, ROWS_PER_PAGE);
    this.#rows = rows;
    if (!this.#emitRows() || rows.length === ROWS_PER_PAGE || this.#closed) return false;
    if (hasEnded(turn.state)) {
      this.complete();
      return true;
    }
    // The turn may have become live while the rows were read, and nothing would wake this reader.
    if (rows.length > 0 || this.source.live(this.turnId) !== undefined) return false;
    await this.#waitForWake((wake) => this.#watchFor(wake));
    return false;
  }

  #watchFor(wake: () => void): () => void {
    const { watch } = this.source;
    const unwatch = watch.watch(this.turnId, this.#sequence, wake);
    const unwant = this.source.mirrors()?.want(this.turnId, wake);
    return () => {
      unwatch();
      unwant?.();
    };
  }

  /** Prepares the replay of a resumed turn. False when nothing is stored yet. */
  async #loadReplay(): Promise<boolean> {
    const { events, starts, sequence } = await this.source.store.readAll(this.turnId);
    if (events.length === 0) return false;
    this.#replay = { events: (this.replay ?? dropAbandonedBlocks)(events), position: 0 };
    this.#position = events.length;
    this.#sequence = sequence;
    this.#attempt = starts.at(-1)?.attempt ?? 0;
    return true;
  }

  /**
   * Emits the rows in memory. False when the flow is blocked or the reader has left. Rows that were not emitted stay in memory: a
   * connection takes little at a time, and parsing a page again for each bit would take time quadratic in the turn's length.
   */
  #emitRows(): boolean {
    for (let emitted = 0; emitted < this.#rows.length; emitted += 1) {
      const row = this.#rows[emitted];
      if (row !== undefined && this.#emitRow(row)) continue;
      this.#rows = this.#rows.slice(emitted);
      return false;
    }
    this.#rows = [];
    return true;
  }

  /** False when the flow blocked within the row or the reader left: the row's remaining events are emitted later. */
  #emitRow(row: EventRow): boolean {
    const events = this.#selectUnread(row);
    for (let index = 0; index < events.length; index += MAX_BATCH_EVENTS) {
      if (this.#closed || this.flow?.isReady() === false) return false;
      const slice = events.slice(index, index + MAX_BATCH_EVENTS);
      this.#position += slice.length;
      this.#emit(slice);
    }
    this.#sequence = row.sequence;
    return true;
  }

  /** The first row of a later attempt replaces what the one before showed and did not store. */
  #selectUnread(row: EventRow): readonly HarnessEvent[] {
    if (row.attempt < this.#attempt) return [];
    if (row.attempt > this.#attempt) this.#position = Math.min(this.#position, row.firstIndex);
    this.#attempt = row.attempt;
    return unreadEvents(row, this.#position);
  }

  #emit(events: readonly HarnessEvent[]): void {
    if (events.length > 0) this.observer.next(events);
  }

  /** Resolves when `wake` is called or the reader leaves. `subscribe` returns its unsubscribe function. */
  async #waitForWake(subscribe: (wake: () => void) => (() => void) | undefined): Promise<void> {
    let unsubscribe: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      unsubscribe = subscribe(resolve);
    });
    this.#wake = undefined;
    unsubscribe?.();
  }
}
