import { Injectable } from '@nestjs/common';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { hasEnded, type Turn, type TurnSummary } from '../../storage/stores/turn.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { isRetryOf, type RetryIdentity } from './retry-match.js';
import { hasSameOrigin } from './conversation-finder.js';
import type { OpenedTurn, TurnRequest } from '../turn-request.js';

/** How long after its beginning a turn without a named thread may be meant by a retry, in milliseconds. */
const RETRY_WINDOW_MS = 3_600_000;

/** Finds the turn that a request means, if it is there already, and knows who waits for which turn. */
@Injectable()
export class SameTurns {
  /** Turns whose delivery is being written: the caller's next request may be faster than the store. */
  readonly #justDelivered = new Set<string>();
  /** How many callers wait for a turn. Of identical turns a retry is of one whose caller has lost its connection. */
  readonly #waiting = new Map<string, number>();

  constructor(
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
  ) {}

  /** Notes that a caller has the whole answer. */
  async delivered(turn: Turn): Promise<void> {
    this.#justDelivered.add(turn.id);
    try {
      await this.turns.markDelivered(turn.id, Date.now());
    } finally {
      this.#justDelivered.delete(turn.id);
    }
  }

  /** Notes that a caller waits for a turn, until it is given to {@link leave}. */
  enter({ turn }: OpenedTurn): void {
    this.#waiting.set(turn.id, this.waiting(turn) + 1);
  }

  /** The caller has its answer, or is gone. */
  leave({ turn }: OpenedTurn): void {
    const left = this.waiting(turn) - 1;
    if (left > 0) this.#waiting.set(turn.id, left);
    else this.#waiting.delete(turn.id);
  }

  /** The turn of the thread that a request means. */
  async findSameTurn(
    request: TurnRequest,
    threadId: string,
    recent: readonly TurnSummary[],
  ): Promise<Turn | undefined> {
    if (request.idempotencyKey !== undefined) return this.turns.byIdempotencyKey(threadId, request.idempotencyKey);
    // Of the turns that have ended only the last one counts.
    const lastEnded = recent.find((turn) => hasEnded(turn.state));
    const meant = recent.find((one) => (one === lastEnded || !hasEnded(one.state)) && this.means(request, one));
    return meant === undefined ? undefined : this.turns.byId(meant.id);
  }

  /** The turn that a request means which names no thread: an SDK sends the same body again when its connection breaks. */
  async findRetriedTurn(request: TurnRequest): Promise<OpenedTurn | undefined> {
    const { requestKey, idempotencyKey } = request;
    const same = await this.turns.sameRequests(requestKey, idempotencyKey, Date.now() - RETRY_WINDOW_MS);
    // An idempotency key says that it is the same request, also when the answer has been read to its end.
    const meant = same.filter(
      (turn) => idempotencyKey !== undefined || this.means({ ...request, hasHistory: false }, turn),
    );
    if (request.attempt === 'retry') meant.sort((one, other) => this.waiting(one) - this.waiting(other));
    for (const { id, threadId } of meant) {
      const thread = await this.threads.byId(threadId);
      if (thread === undefined || !hasSameOrigin(request, thread)) continue;
      const turn = await this.turns.byId(id);
      if (turn !== undefined) return { thread, turn, attached: true };
    }
    return undefined;
  }

  private means(request: RetryIdentity, turn: TurnSummary): boolean {
    const isDelivered = this.#justDelivered.has(turn.id);
    return isRetryOf(request, isDelivered ? { ...turn, deliveredAt: Date.now() } : turn, Date.now());
  }

  private waiting({ id }: Pick<Turn, 'id'>): number {
    return this.#waiting.get(id) ?? 0;
  }
}
