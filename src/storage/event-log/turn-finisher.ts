import { Logger } from '@nestjs/common';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { isUniqueViolation } from '../database/database.js';
import { retryDelay, toEventRow, type EventWriter } from './event-writer.js';
import type { EventStore } from './event.store.js';
import type { LiveTurn } from './live-turn.js';
import type { TurnOutcome } from '../stores/turn.js';

/** Writes the ends of turns: everything that belongs to an end in one transaction, again while the store cannot write. */
export class TurnFinisher {
  readonly #logger = new Logger('EventLog');

  constructor(
    private readonly store: EventStore,
    private readonly writer: EventWriter,
    private readonly retryMilliseconds: number,
  ) {}

  /** True once the end is committed; false when the turn is another's. Rejects with the store's error when the time is over. */
  async finish(turn: LiveTurn, last: readonly HarnessEvent[], outcome: TurnOutcome): Promise<boolean> {
    const deadline = performance.now() + this.retryMilliseconds;
    // A group commit that is under way may hold events of this turn.
    await this.writer.settled();
    let written = false;
    let isBlocked = false;
    try {
      for (let failures = 0; ;) {
        try {
          const won = await this.#try(turn, last, outcome);
          // After a failure it may be our own end that is there: the commit went through, its answer did not.
          const result = won || (failures > 0 && (await this.store.hasEndedAs(turn, outcome)));
          written = true;
          return result;
        } catch (error) {
          failures += 1;
          if (!isBlocked && !isUniqueViolation(error)) {
            isBlocked = true;
            this.writer.blockEnd(error);
          }
          const delay = turn.needsResync || !isUniqueViolation(error) ? retryDelay(failures) : 0;
          turn.needsResync = true;
          this.#logger.error(`the end of turn ${turn.id} cannot be written (try ${failures}): ${String(error)}`);
          if (turn.end !== undefined || performance.now() + delay > deadline) throw error;
          await new Promise((resolve) => setTimeout(resolve, delay));
        }
      }
    } finally {
      if (isBlocked) this.writer.unblockEnd(written);
    }
  }

  #try(turn: LiveTurn, last: readonly HarnessEvent[], outcome: TurnOutcome): Promise<boolean> {
    return this.store.database.transaction(async (transaction) => {
      const position = turn.needsResync ? await this.store.resync(transaction, turn) : turn.position;
      if (position.kind === 'lost' || !(await this.store.writeEnd(transaction, turn, outcome))) return false;
      const row = toEventRow(turn, position, outcome.endedAt, last);
      if (row !== undefined) await this.store.insert(transaction, [row]);
      return true;
    });
  }
}
