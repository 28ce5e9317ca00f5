import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import type { JsonObject } from '../../domain/harness-event.js';
import { Database } from '../database/database.js';
import type { Tables } from '../database/tables.js';
import { type Thread, toThread } from './thread.store.js';
import { hasEnded, parseTurnState } from './turn.js';

/** The thread that gets the turns of another one. */
export interface NewBranch {
  readonly id: string;
  readonly key: string;
  readonly metadata: JsonObject;
}

/** Which turns a thread gives away, and what changes in it. */
export interface BranchPoint {
  /** The first turn that it gives away; all later ones go with it. */
  readonly fromSequence: number;
  /** The metadata that the thread has from then on. */
  readonly metadata: JsonObject;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Moves turns to threads of their own. */
@Injectable()
export class BranchStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Moves the last turns of a thread, with their events and their calls of the caller's tools, to a new thread, which has the same agent.
   * Returns the thread as it is without them. Rejects, and nothing is changed, when one of these turns has not ended, when the
   * thread is gone, or when the store cannot be reached.
   */
  split(threadId: string, branch: NewBranch, point: BranchPoint): Promise<Thread> {
    return this.database.transaction(async (transaction) => {
      const { metadata, now } = point;
      // Updating the row locks it on both databases, so that no turn is added meanwhile.
      const locked = transaction.updateTable('threads').set({ updated_at: now }).where('id', '=', threadId);
      const before = await locked.returningAll().executeTakeFirst();
      if (before === undefined) throw new Error(`there is no thread ${threadId}`);
      const moved = await findMoved(transaction, threadId, point.fromSequence);
      const row = {
        ...before,
        id: branch.id,
        key: branch.key,
        metadata: JSON.stringify(branch.metadata),
        parked_turn: moved.isParked(before.parked_turn) ? before.parked_turn : null,
        turn_count: moved.runs,
        // Its files are a copy, which no snapshot has yet.
        snapshot: null,
        generation: 0,
        created_at: now,
      };
      await transaction.insertInto('threads').values(row).execute();
      await moveTurns(transaction, threadId, branch.id, point.fromSequence);
      const after = await transaction
        .updateTable('threads')
        .set({
          metadata: JSON.stringify(metadata),
          state: 'idle',
          context_usage: null,
          parked_turn: moved.isParked(before.parked_turn) ? null : before.parked_turn,
          turn_count: before.turn_count - moved.runs,
        })
        .where('id', '=', threadId)
        .returningAll()
        .executeTakeFirstOrThrow();
      return toThread(after);
    });
  }
}

/** The turns that a thread gives away. */
interface MovedTurns {
  /** How many of them ran. */
  readonly runs: number;
  /** Whether the turn that parked the thread is one of them. */
  readonly isParked: (parkedTurnId: string | null) => boolean;
}

/** Counts the turns to move that ran: those that a thread counts. @throws Error if one of them has not ended. */
async function findMoved(transaction: Kysely<Tables>, threadId: string, fromSequence: number): Promise<MovedTurns> {
  const turns = await transaction
    .selectFrom('turns')
    .select(['id', 'state', 'started_at'])
    .where('thread_id', '=', threadId)
    .where('sequence', '>=', fromSequence)
    .execute();
  if (!turns.every(({ state }) => hasEnded(parseTurnState(state)))) {
    throw new Error(`a turn of thread ${threadId} has not ended`);
  }
  const ids = new Set(turns.map(({ id }) => id));
  return {
    runs: turns.filter((turn) => turn.started_at !== null).length,
    isParked: (parkedTurnId) => parkedTurnId !== null && ids.has(parkedTurnId),
  };
}

async function moveTurns(
  transaction: Kysely<Tables>,
  threadId: string,
  branchId: string,
  fromSequence: number,
): Promise<void> {
  await transaction
    .updateTable('turns')
    .set({ thread_id: branchId })
    .where('thread_id', '=', threadId)
    .where('sequence', '>=', fromSequence)
    .execute();
  for (const table of ['caller_tool_calls', 'turn_inputs'] as const) {
    await transaction
      .updateTable(table)
      .set({ thread_id: branchId })
      .where('thread_id', '=', threadId)
      .where('turn_id', 'in', (query) => query.selectFrom('turns').select('id').where('thread_id', '=', branchId))
      .execute();
  }
  // Turns name the tools that they were given by a hash, within their thread.
  const tools = await transaction.selectFrom('tool_sets').selectAll().where('thread_id', '=', threadId).execute();
  if (tools.length === 0) return;
  await transaction
    .insertInto('tool_sets')
    .values(tools.map((set) => ({ ...set, thread_id: branchId })))
    .execute();
}
