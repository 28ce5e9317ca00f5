import { Logger } from '@nestjs/common';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { isUniqueViolation } from '../database/database.js';
import { computeBackoffMs, type EventWriter } from './event-writer.js';
import type { EventStore } from './event.store.js';
import type { LiveTurn } from './live-turn.js';
import type { TurnOutcome } from '../stores/turn.js';
import { toEventRow } from './to-event-row.js';

/** Writes the ends of turns, each in one transaction, and retries while the store cannot write. */
export class TurnFinisher {
  readonly #logger = new Logger('EventLog');

  constructor(
    private readonly store: EventStore,
    private readonly writer: EventWriter,
    private readonly retryMs: number,
  ) {}

  /** True once the end is committed; false when another attempt owns the turn. Rejects with the store's error after the retry time. */
  async finish(turn: LiveTurn, last: readonly HarnessEvent[], outcome: TurnOutcome): Promise<boolean> {
    const deadline = performance.now() + this.retryMs;
    // A running group commit may hold events of this turn.
    await this.writer.settled();
    let written = false;
    let isFailing = false;
    try {
      for (let failures = 0; ;) {
        try {
          const won = await this.#try(turn, last, outcome);
          // After a failure the stored end may be our own: the commit succeeded and its response was lost.
          const owned = won || (failures > 0 && (await this.store.hasEndedAs(turn, outcome)));
          written = true;
          return owned;
        } catch (error) {
          failures += 1;
          if (!isFailing && !isUniqueViolation(error)) {
            isFailing = true;
            this.writer.finishFailed(error);
          }
          const delayMs = turn.needsResync || !isUniqueViolation(error) ? computeBackoffMs(failures) : 0;
          turn.needsResync = true;
          this.#logger.error(
            { turnId: turn.id },
            `failed to write the end of a turn (attempt ${failures}): ${String(error)}`,
          );
          if (turn.end !== undefined || performance.now() + delayMs > deadline) throw error;
          await new Promise((resolve) => setTimeout(resolve, delayMs));
        }
      }
    } finally {
      if (isFailing) this.writer.finishSettled(written);
    }
  }

  #try(turn: LiveTurn, last: readonly HarnessEvent[], outcome: TurnOutcome): Promise<boolean> {
    return this.store.database.transaction(async (transaction) => {
      const position = turn.needsResync ? await this.store.resync(transaction, turn) : turn.position;
      const heardIds = [...findHeardIds(turn.events), ...findHeardIds(last)];
      if (position.kind === 'lost' || !(await this.store.writeEnd(transaction, turn, outcome, heardIds))) return false;
      const row = toEventRow(turn, position, outcome.endedAt, last);
      if (row !== undefined) await this.store.insert(transaction, [row]);
      return true;
    });
  }
}

/** The messages of the user that the agent heard during its turn. */
function findHeardIds(events: readonly HarnessEvent[]): readonly string[] {
  return events.filter((event) => event.type === 'user-message').map(({ id }) => id);
}
