// A little over 250 lines: one reader has three sources (memory, store, waiting) and the ways between them belong together.
import { Subscription, type Observable, type Subscriber } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { dropAbandonedBlocks } from '../../domain/abandoned-blocks.js';
import { unreadEvents, type EventRow } from './event-rows.js';
import type { EventStore } from './event.store.js';
import type { LiveReader, LiveTurn } from './live-turn.js';
import type { TurnWatch } from './turn-watch.js';
import { hasEnded } from '../stores/turn.js';

/** A reader's own back-pressure. While it is not open, the reader is given nothing, and nothing is kept for it. */
export interface Backpressure {
  isReady(): boolean;
  /** Emits when the flow has opened again. */
  readonly resumed$: Observable<unknown>;
}

/** What a reading needs of the log. */
export interface LogReaderSource {
  readonly store: EventStore;
  readonly watch: TurnWatch;
  live(turnId: string): LiveTurn | undefined;
  /** Asks for one `advance` in a coming turn of the event loop. */
  schedule(reader: LiveReader): void;
  /** The reader has left this live turn. */
  onDetach(turn: LiveTurn): void;
}

/** What a resumed turn's new reader is given instead of the log so far. */
export type ReplayFilter = (events: readonly HarnessEvent[]) => readonly HarnessEvent[];

/** Most events in one emission. A reader that is far behind lets others have their turn in between. */
export const MAX_BATCH_EVENTS = 256;

/** Most rows in memory at once per reader of a stored turn. */
const ROWS_PER_PAGE = 64;

/** One reader of a turn: a position in its log, first in the store or in memory, and where it gets more. */
export class LogReader implements LiveReader {
  #position = 0;
  #sequence = 0;
  /** What a resumed turn's new reader gets instead of the log up to `#position`: the log without what died. */
  #replay: { readonly events: readonly HarnessEvent[]; position: number } | undefined;
  /** Rows of the store that were read and not given yet. */
  #rows: readonly EventRow[] = [];
  #turn: LiveTurn | undefined;
  #blocked: Subscription | undefined;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(
    private readonly source: LogReaderSource,
    private readonly turnId: string,
    private readonly subscriber: Subscriber<readonly HarnessEvent[]>,
    private readonly flow: Backpressure | undefined,
    private readonly replay: ReplayFilter | undefined,
  ) {}

  start(): void {
    const turn = this.source.live(this.turnId);
    if (turn === undefined) void this.#readStore();
    else this.#attach(turn);
  }

  /** Leaves the log; nothing of the reader is left. */
  close(): void {
    this.#closed = true;
    this.#detach();
    this.#blocked?.unsubscribe();
    this.#replay = undefined;
    this.#rows = [];
    this.#wake?.();
  }

  /** Completes the reader without an end event. */
  complete(): void {
    this.subscriber.complete();
  }

  advance(): void {
    const turn = this.#turn;
    if (turn === undefined || this.#closed || this.#waitsForFlow()) return;
    const slice = this.#next(turn);
    if (slice.length > 0) this.subscriber.next(slice);
    // The subscriber may have unsubscribed while it was given the slice.
    if (this.#closed) return;
    if (this.#replay !== undefined || this.#position < turn.events.length) this.source.schedule(this);
    else if (turn.end !== undefined) this.#leave(turn);
  }

  #attach(turn: LiveTurn): void {
    this.#turn = turn;
    this.#rows = [];
    turn.readers.add(this);
    if (this.#position === 0 && turn.attempt > 1) {
      this.#replay = { events: this.replay?.(turn.events) ?? turn.replay(dropAbandonedBlocks), position: 0 };
      this.#position = turn.events.length;
    }
    this.advance();
  }

  #detach(): void {
    const turn = this.#turn;
    if (turn === undefined) return;
    this.#turn = undefined;
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

  #leave(turn: LiveTurn): void {
    const end = turn.end;
    switch (end?.kind) {
      case 'finished':
      case 'set-aside':
        this.subscriber.complete();
        return;
      case 'abandoned':
        this.subscriber.error(end.error);
        return;
      case 'moved':
        // What was not committed is not in the log that the other process goes on with.
        this.#position = Math.min(this.#position, turn.committed);
        this.#detach();
        void this.#readStore();
        return;
      case undefined:
        return;
      default: {
        const unknownEnd: never = end;
        throw new Error(`unknown end ${String(unknownEnd)}`);
      }
    }
  }

  /** True while the flow is not open; then `advance` is called once it opens. */
  #waitsForFlow(): boolean {
    if (this.flow === undefined || this.flow.isReady()) return false;
    if (this.#blocked === undefined) {
      const blocked = new Subscription();
      this.#blocked = blocked;
      blocked.add(this.flow.resumed$.subscribe(() => this.#opened()));
    }
    return true;
  }

  #opened(): void {
    if (this.flow?.isReady() === false) return;
    this.#blocked?.unsubscribe();
    this.#blocked = undefined;
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
        } else if (this.#blocked !== undefined) {
          await this.#woken(() => undefined);
        }
      }
    } catch (error) {
      this.subscriber.error(error);
    }
  }

  /** Gives the reader what the store has, up to a page. True when the turn has ended and that was all. */
  async #readPage(): Promise<boolean> {
    const { store, watch } = this.source;
    const replay = this.#replaySlice();
    if (replay !== undefined) {
      this.#emit(replay);
      return false;
    }
    if (this.#rows.length > 0) {
      this.#emitRows();
      return false;
    }
    // The state first: what is stored afterwards is all there is of a turn that has ended.
    const turn = await store.turn(this.turnId);
    if (turn === undefined) throw new Error(`there is no turn ${this.turnId}`);
    if (this.#position === 0 && turn.attempt > 1 && (await this.#loadReplay())) return false;
    const rows = await store.readPage(this.turnId, this.#sequence, ROWS_PER_PAGE);
    this.#rows = rows;
    if (!this.#emitRows() || rows.length === ROWS_PER_PAGE || this.#closed) return false;
    if (hasEnded(turn.state)) {
      this.subscriber.complete();
      return true;
    }
    // It may have become live while the rows were read; nobody would wake this reader then.
    if (rows.length > 0 || this.source.live(this.turnId) !== undefined) return false;
    await this.#woken((wake) => watch.watch(this.turnId, this.#sequence, wake));
    return false;
  }

  /** False when nothing is stored yet. */
  async #loadReplay(): Promise<boolean> {
    const { events, sequence } = await this.source.store.readAll(this.turnId);
    if (events.length === 0) return false;
    this.#replay = { events: (this.replay ?? dropAbandonedBlocks)(events), position: 0 };
    this.#position = events.length;
    this.#sequence = sequence;
    return true;
  }

  /**
   * Gives the reader the rows at hand. False when the flow closed, or the reader left; the rest is kept then: a connection takes
   * little at a time, and to read and parse a page for every bit of it would take longer the longer the turn is, squared.
   */
  #emitRows(): boolean {
    for (let given = 0; given < this.#rows.length; given += 1) {
      const row = this.#rows[given];
      if (row !== undefined && this.#emitRow(row)) continue;
      this.#rows = this.#rows.slice(given);
      return false;
    }
    this.#rows = [];
    return true;
  }

  /** False when the flow closed in the middle of the row, or the reader left: the rest of the row is still to be given. */
  #emitRow(row: EventRow): boolean {
    const events = unreadEvents(row, this.#position);
    for (let index = 0; index < events.length; index += MAX_BATCH_EVENTS) {
      if (this.#closed || this.flow?.isReady() === false) return false;
      const slice = events.slice(index, index + MAX_BATCH_EVENTS);
      this.#position += slice.length;
      this.#emit(slice);
    }
    this.#sequence = row.sequence;
    return true;
  }

  #emit(events: readonly HarnessEvent[]): void {
    if (events.length > 0) this.subscriber.next(events);
  }

  /** Resolves when `wake` was called, or the reader left. `subscribe` returns how to take the wish back. */
  async #woken(subscribe: (wake: () => void) => (() => void) | undefined): Promise<void> {
    let takeBack: (() => void) | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      takeBack = subscribe(resolve);
    });
    this.#wake = undefined;
    takeBack?.();
  }
}
