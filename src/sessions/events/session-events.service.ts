import { Injectable } from '@nestjs/common';
import {
  concat,
  concatMap,
  defer,
  EMPTY,
  filter,
  from,
  ignoreElements,
  interval,
  map,
  merge,
  Observable,
  of,
  repeat,
  take,
  takeUntil,
} from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { EventLog, type Backpressure } from '../../storage/event-log/event-log.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import { hasEnded, type Turn } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { maskAbandonedBlocks } from '../../domain/abandoned-blocks.js';
import { ThreadSignals } from '../../turns/hosting/thread-signals.js';
import { countDeliveredEvents, findFirstSequenceAfter, toTerminalId } from './event-id.js';
import { rebuildEvents } from '../../turns/message-events.js';
import { SessionService } from '../session.service.js';
import { type SessionEvent, SessionEventEncoder } from './session-event-encoder.js';

type SessionEvents$ = Observable<readonly SessionEvent[]>;

/** How often a waiting reader looks for turns and removals of which the signal was lost. */
const POLL_MS = 5000;

/** The session events of threads. They are derived from the turns' logs on each read and not stored. */
@Injectable()
export class SessionEventsService {
  constructor(
    private readonly turns: TurnStore,
    private readonly log: EventLog,
    private readonly signals: ThreadSignals,
    private readonly clock: StoreClock,
    private readonly sessions: SessionService,
  ) {}

  /**
   * The events of one turn after the one with the id `after`: a replay, then live. Cold.
   *
   * Completes after the terminal event. Errors when the store cannot be read or the turn is handed off to the next server.
   * Unsubscribing does not affect the turn.
   */
  ofTurn(thread: Thread, turn: Turn, after: number, flow: Backpressure): SessionEvents$ {
    if (after >= toTerminalId(turn.sequence)) return EMPTY;
    const all$ =
      turn.eventsPrunedAt === undefined ? this.fromLog(thread, turn, after, flow) : this.fromMessage(thread, turn);
    return all$.pipe(
      map((events) => events.filter(({ id }) => id > after)),
      filter((events) => events.length > 0),
    );
  }

  /**
   * The events of all turns of a thread after the one with the id `after`, in the order of the turns: a replay, then live,
   * then those of turns that start later. Cold.
   *
   * Completes when the thread is removed. Errors and unsubscribing as with {@link ofTurn}.
   */
  ofThread(thread: Thread, after: number, flow: Backpressure): SessionEvents$ {
    return defer(() => {
      let next = findFirstSequenceAfter(after);
      const turn$ = defer(() => this.turns.turnsFrom(thread.id, next, 1));
      return turn$.pipe(
        concatMap(([turn]) => {
          if (turn === undefined) return this.waitForNextTurn(thread.id, next);
          next = turn.sequence + 1;
          return this.ofTurn(thread, turn, after, flow);
        }),
        repeat(),
        takeUntil(this.signals.removed$.pipe(filter((id) => id === thread.id))),
      );
    });
  }

  /** Completes, without an element, when the thread may have a next turn. */
  private waitForNextTurn(threadId: string, sequence: number): Observable<never> {
    return merge(
      this.signals.submitted$.pipe(filter((id) => id === threadId)),
      // A turn that was submitted between the last lookup and the line above.
      defer(() => from(this.turns.turnsFrom(threadId, sequence, 1))).pipe(filter((turns) => turns.length > 0)),
      interval(POLL_MS),
    ).pipe(take(1), ignoreElements());
  }

  private fromLog(thread: Thread, turn: Turn, after: number, flow: Backpressure): SessionEvents$ {
    return defer(() => {
      let isReplay = true;
      const latency = (): number | null => (isReplay ? null : this.clock.now() - turn.createdAt);
      const encode = (current: Turn) =>
        new SessionEventEncoder(thread, current, 'log', latency, this.sessions.harnessType(thread));
      let encoder = encode(turn);
      const delivered = countDeliveredEvents(after, turn.sequence);
      const events$ = new Observable<readonly HarnessEvent[]>((subscriber) => {
        const replay = (events: readonly HarnessEvent[]) => maskAbandonedBlocks(events, delivered);
        subscriber.add(this.log.read(turn.id, flow, replay).subscribe(subscriber));
        // The reader of a live turn has received the replay by now. Replayed events have no latency: the log has no time per event.
        isReplay = hasEnded(turn.state);
      });
      // A turn that has not started may still get messages into its prompt.
      const started$ =
        turn.startedAt === undefined
          ? events$.pipe(
              concatMap(async (events, batch) => {
                if (batch === 0) encoder = encode((await this.turns.byId(turn.id)) ?? turn);
                return events;
              }),
            )
          : events$;
      return concat(
        of(turn.startedAt === undefined ? [] : encoder.openTurn()),
        started$.pipe(map((events) => encoder.encode(events))),
        defer(() => this.closingEvents(encoder, turn)),
      );
    });
  }

  private fromMessage(thread: Thread, turn: Turn): SessionEvents$ {
    return defer(() => {
      const encoder = new SessionEventEncoder(thread, turn, 'message', () => null, this.sessions.harnessType(thread));
      return of(encoder.encode(rebuildEvents(turn)));
    });
  }

  private async closingEvents(encoder: SessionEventEncoder, turn: Turn): Promise<readonly SessionEvent[]> {
    if (encoder.ended) return [];
    const events = encoder.end(await this.turns.byId(turn.id));
    if (events.length === 0) throw new Error(`turn ${turn.id} was handed off to the next server`);
    return events;
  }
}
