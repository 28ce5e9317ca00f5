import { Logger } from '@nestjs/common';
import type { Observable, Subscription } from 'rxjs';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { describeError } from '../database/database.js';
import type { AttemptStart } from './event-rows.js';
import { LiveTurn, type LiveEnd } from './live-turn.js';

/** What the node that runs a turn tells of it; see `TurnFeed`. */
export type FeedMessage =
  /** The turn runs there. `count` events follow that are there already. */
  | {
      readonly kind: 'open';
      readonly attempt: number;
      readonly starts: readonly AttemptStart[];
      readonly count: number;
    }
  | { readonly kind: 'events'; readonly events: readonly HarnessEvent[] }
  | { readonly kind: 'attempt'; readonly start: AttemptStart }
  /** All events were sent. After any end but `finished`, the turn may go on elsewhere. */
  | { readonly kind: 'end'; readonly end: LiveEnd['kind'] };

/** Reads turns from the nodes that run them. */
export interface RemoteTurns {
  /**
   * Follows a turn on its node. Cold. Completes when the node does not have it (any more), or when there is none; errors when the connection
   * breaks. Unsubscribing closes the connection.
   */
  follow(turnId: string): Observable<FeedMessage>;
}

/** After a failure, readers use the store for this long before they try the turn's node again. */
const RETRY_MS = 1000;

interface Mirror {
  readonly wakes: Set<() => void>;
  subscription: Subscription | undefined;
  turn: LiveTurn | undefined;
  /** How many events to await before readers may attach. */
  count: number;
}

/**
 * The turns that run on other nodes and have readers here: one connection per turn, whatever the number of readers. A turn is shown like
 * one that runs here. When its connection breaks, its readers continue from the store.
 */
export class Mirrors {
  readonly #logger = new Logger('EventLog');
  readonly #mirrors = new Map<string, Mirror>();
  /** When a turn's node could last not be asked, by `performance.now()`. */
  readonly #failedAt = new Map<string, number>();

  constructor(
    private readonly remote: RemoteTurns,
    /** Called with a turn after each change. */
    private readonly notify: (turn: LiveTurn) => void,
  ) {}

  /** The turn, once its node has sent what it had at the beginning. */
  get(turnId: string): LiveTurn | undefined {
    const mirror = this.#mirrors.get(turnId);
    return mirror?.turn !== undefined && mirror.turn.events.length >= mirror.count ? mirror.turn : undefined;
  }

  /** Whether the turn's node can be asked now. */
  canTry(turnId: string): boolean {
    return performance.now() - (this.#failedAt.get(turnId) ?? -Infinity) >= RETRY_MS;
  }

  /** Calls `wake` when {@link get} has the turn, or its node cannot be asked. Returns the unsubscribe function. */
  want(turnId: string, wake: () => void): (() => void) | undefined {
    if (!this.canTry(turnId)) return undefined;
    const mirror = this.#mirrors.get(turnId) ?? this.#open(turnId);
    mirror.wakes.add(wake);
    return () => {
      mirror.wakes.delete(wake);
      this.#closeUnused(turnId, mirror);
    };
  }

  /** Closes the connection of a turn that has no readers any more. */
  release(turn: LiveTurn): void {
    const mirror = this.#mirrors.get(turn.id);
    if (mirror?.turn === turn) this.#closeUnused(turn.id, mirror);
  }

  /** Closes all connections. */
  close(): void {
    for (const { subscription } of this.#mirrors.values()) subscription?.unsubscribe();
    this.#mirrors.clear();
  }

  #open(turnId: string): Mirror {
    const mirror: Mirror = { wakes: new Set(), subscription: undefined, turn: undefined, count: 0 };
    this.#mirrors.set(turnId, mirror);
    mirror.subscription = this.remote.follow(turnId).subscribe({
      next: (message) => this.#receive(turnId, mirror, message),
      error: (error: unknown) => {
        this.#logger.warn({ turnId }, `lost the node of a turn; reading the store instead: ${describeError(error)}`);
        this.#end(turnId, mirror, { kind: 'taken-over' });
      },
      complete: () => this.#end(turnId, mirror, { kind: 'taken-over' }),
    });
    return mirror;
  }

  #receive(turnId: string, mirror: Mirror, message: FeedMessage): void {
    switch (message.kind) {
      case 'open':
        mirror.turn = new LiveTurn(turnId, message.attempt, [], 0, message.starts);
        mirror.count = message.count;
        break;
      case 'events':
        for (const event of message.events) mirror.turn?.events.push(event);
        if (mirror.turn !== undefined && mirror.turn.readers.size > 0) this.notify(mirror.turn);
        break;
      case 'attempt':
        mirror.turn?.beginAttempt(message.start.attempt, message.start.index);
        break;
      case 'end':
        // A turn that was handed off or could not be stored goes on with its next attempt.
        this.#end(turnId, mirror, { kind: message.end === 'finished' ? 'finished' : 'taken-over' });
        return;
      default:
        message satisfies never;
    }
    if (this.get(turnId) !== undefined) this.#wake(mirror);
  }

  #end(turnId: string, mirror: Mirror, end: LiveEnd): void {
    const { turn } = mirror;
    if (this.#mirrors.get(turnId) === mirror) {
      this.#mirrors.delete(turnId);
      this.#recordFailure(turnId);
    }
    mirror.subscription?.unsubscribe();
    if (turn !== undefined && turn.end === undefined) {
      // What was received is what readers have: none is to be taken back before a later attempt says so.
      turn.commit(turn.events.length, turn.sequence);
      turn.end = end;
      if (turn.readers.size > 0) this.notify(turn);
    }
    this.#wake(mirror);
  }

  #recordFailure(turnId: string): void {
    const now = performance.now();
    for (const [id, at] of this.#failedAt) if (now - at >= RETRY_MS) this.#failedAt.delete(id);
    this.#failedAt.set(turnId, now);
  }

  #wake({ wakes }: Mirror): void {
    for (const wake of [...wakes]) wake();
  }

  #closeUnused(turnId: string, mirror: Mirror): void {
    if (mirror.wakes.size > 0 || (mirror.turn?.readers.size ?? 0) > 0) return;
    // A reader that was just woken attaches before this.
    setImmediate(() => {
      if (mirror.wakes.size > 0 || (mirror.turn?.readers.size ?? 0) > 0) return;
      if (this.#mirrors.get(turnId) === mirror) this.#mirrors.delete(turnId);
      mirror.subscription?.unsubscribe();
    });
  }
}
