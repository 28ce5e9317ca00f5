import { Injectable } from '@nestjs/common';
import { StoreClock } from '../../storage/database/store-clock.js';
import { SessionMessageStore } from '../../storage/stores/session-message.store.js';
import type { TurnSummary } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import type { OpenedTurn } from '../turn-request.js';

/** Counts the callers of this server that wait for each turn, and remembers deliveries that the store does not have yet. */
@Injectable()
export class TurnCallers {
  /** Turns, and messages that turns heard, whose delivery is being stored: the caller's next request may arrive before the store has it. */
  readonly #justDelivered = new Map<string, Promise<void>>();
  /** How many callers wait for a turn. */
  readonly #counts = new Map<string, number>();

  constructor(
    private readonly turns: TurnStore,
    private readonly messages: SessionMessageStore,
    private readonly clock: StoreClock,
  ) {}

  /** Records that the caller of a turn's own request, or of a message that the turn heard, has received the complete answer. */
  async delivered({ turn, messageId }: OpenedTurn): Promise<void> {
    const now = this.clock.now();
    const stored =
      messageId === undefined ? this.turns.markDelivered(turn.id, now) : this.messages.markDelivered(messageId, now);
    const id = messageId ?? turn.id;
    this.#justDelivered.set(id, stored);
    try {
      await stored;
    } finally {
      this.#justDelivered.delete(id);
    }
  }

  /** Resolves when the deliveries of these turns and messages are stored, as far as that succeeds. */
  async settle(ids: readonly string[]): Promise<void> {
    await Promise.allSettled(ids.flatMap((id) => this.#justDelivered.get(id) ?? []));
  }

  /** Counts a caller of a turn, until {@link leave}. */
  enter({ turn }: OpenedTurn): void {
    this.#counts.set(turn.id, this.count(turn.id) + 1);
  }

  /** Call when the caller has its answer or has disconnected. */
  leave({ turn }: OpenedTurn): void {
    const remaining = this.count(turn.id) - 1;
    if (remaining > 0) this.#counts.set(turn.id, remaining);
    else this.#counts.delete(turn.id);
  }

  /** Counts the callers that wait for a turn now. */
  count(turnId: string): number {
    return this.#counts.get(turnId) ?? 0;
  }

  /** Adds the deliveries that the store does not have yet. */
  withDeliveries(turns: readonly TurnSummary[], nowMs: number): readonly TurnSummary[] {
    if (this.#justDelivered.size === 0) return turns;
    return turns.map((turn) => (this.#justDelivered.has(turn.id) ? { ...turn, deliveredAt: nowMs } : turn));
  }
}
