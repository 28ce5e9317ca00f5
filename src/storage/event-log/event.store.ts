// Over 250 lines because it holds every statement of the event log.
import { Logger } from '@nestjs/common';
import { CompiledQuery, type Kysely, type Transaction } from 'kysely';
import type { Database, DatabaseKind } from '../database/database.js';
import { PreparedQuery } from '../database/prepared-query.js';
import { assembleLog, parseEventRow, type EventRow, type StoredLog } from './event-rows.js';
import type { LiveTurn, WritePosition } from './live-turn.js';
import type { Tables, TurnEventTable } from '../database/tables.js';
import { insertCalls } from '../stores/caller-tool.store.js';
import type { StorageOptions } from '../storage-options.js';
import { settleMessages } from '../stores/heard-messages.js';
import { recordUsage } from '../stores/usage.store.js';
import { toJsonOrNull, parseTurnState, type Turn, type TurnOutcome, type TurnState } from '../stores/turn.js';
import { END_IN_THREAD, END_TURN } from './end-statements.js';
import { queueBudgetWebhooks } from './budget-webhooks.js';
import { audiencesOf, queueTurnWebhooks } from './turn-webhooks.js';

/**
 * Rows per insert statement, largest first. There are few distinct statements, so that each is compiled and prepared once. On
 * PostgreSQL each statement costs a round trip; SQLite is slower with several rows, because it then keeps a statement journal.
 */
const INSERT_SIZES: Readonly<Record<DatabaseKind, readonly number[]>> = { sqlite: [1], postgres: [64, 16, 4, 1] };

/** Turns pruned per transaction; bounds how long other writes wait. */
const PRUNE_BATCH_SIZE = 100;

/** Turn ids per lookup; far below the parameter limits of both databases. */
const LOOKUP_BATCH_SIZE = 500;

const INSERT_EVENTS = new PreparedQuery((kysely, row: TurnEventTable) => kysely.insertInto('turn_events').values(row));

/** The stored state of a turn and the end of its stored log. */
export interface StoredPosition {
  readonly turnId: string;
  readonly state: TurnState;
  /** Number of the last row, 0 without rows. */
  readonly sequence: number;
}

/** The columns that readers need. */
type StoredRow = Pick<TurnEventTable, 'sequence' | 'attempt' | 'first_index' | 'events'>;

/** The result of `resync`: the end of the stored log, or that another attempt owns the turn. */
export type ResyncResult = WritePosition | { readonly kind: 'lost' };

/** The SQL statements of the event log. */
export class EventStore {
  readonly #logger = new Logger('EventLog');
  readonly #insertSql = new Map<number, string>();
  /** Unknown event kinds that were already logged; each is logged once. */
  readonly #reportedKinds = new Set<string>();

  constructor(
    readonly database: Database,
    private readonly options: Pick<StorageOptions, 'hasWebhook'> = {},
  ) {}

  /** The turn's state; `undefined` when there is no such turn. */
  async turn(turnId: string): Promise<Pick<Turn, 'state' | 'attempt'> | undefined> {
    const row = await this.database.kysely
      .selectFrom('turns')
      .select(['state', 'attempt'])
      .where('id', '=', turnId)
      .executeTakeFirst();
    return row === undefined ? undefined : { state: parseTurnState(row.state), attempt: row.attempt };
  }

  /** The rows after row number `after`. */
  async readPage(turnId: string, after: number, limit: number): Promise<readonly EventRow[]> {
    const rows = await this.database.kysely
      .selectFrom('turn_events')
      .select(['sequence', 'attempt', 'first_index', 'events'])
      .where('turn_id', '=', turnId)
      .where('sequence', '>', after)
      .orderBy('sequence')
      .limit(limit)
      .execute();
    return this.#parse(turnId, rows);
  }

  /** The complete stored log of a turn. */
  async readAll(turnId: string): Promise<StoredLog> {
    const rows = await this.database.kysely
      .selectFrom('turn_events')
      .select(['sequence', 'attempt', 'first_index', 'events'])
      .where('turn_id', '=', turnId)
      .orderBy('sequence')
      .execute();
    return assembleLog(this.#parse(turnId, rows));
  }

  #parse(turnId: string, rows: readonly StoredRow[]): readonly EventRow[] {
    const counts = new Map<string, number>();
    const parsed = rows.map((row) => parseEventRow(row, (kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1)));
    for (const [kind, count] of counts) {
      if (this.#reportedKinds.has(kind)) continue;
      this.#reportedKinds.add(kind);
      this.#logger.warn({ turnId, kind, count }, 'skipped events of an unknown kind, stored by a newer version');
    }
    return parsed;
  }

  /** The stored positions of these turns. Removed turns are missing from the result. */
  async positions(turnIds: readonly string[]): Promise<readonly StoredPosition[]> {
    const positions: StoredPosition[] = [];
    for (let index = 0; index < turnIds.length; index += LOOKUP_BATCH_SIZE) {
      const rows = await this.database.kysely
        .selectFrom('turns')
        .select((select) => [
          'turns.id',
          'turns.state',
          select
            .selectFrom('turn_events')
            .select((events) => events.fn.max('turn_events.sequence').as('last'))
            .whereRef('turn_events.turn_id', '=', 'turns.id')
            .as('last_row'),
        ])
        .where('id', 'in', turnIds.slice(index, index + LOOKUP_BATCH_SIZE))
        .execute();
      for (const row of rows) {
        positions.push({ turnId: row.id, state: parseTurnState(row.state), sequence: row.last_row ?? 0 });
      }
    }
    return positions;
  }

  async insert(executor: Kysely<Tables>, rows: readonly TurnEventTable[]): Promise<void> {
    let index = 0;
    for (const size of INSERT_SIZES[this.database.kind]) {
      for (; rows.length - index >= size; index += size) {
        const chunk = rows.slice(index, index + size);
        const [only] = chunk;
        if (size === 1 && only !== undefined) await INSERT_EVENTS.run(executor, only);
        else await executor.executeQuery(CompiledQuery.raw(this.#insertStatement(chunk), chunk.flatMap(toValues)));
      }
    }
  }

  /** The cached insert statement for this number of rows; Kysely takes longer to compile it than SQLite to run it. */
  #insertStatement(rows: readonly TurnEventTable[]): string {
    const cached = this.#insertSql.get(rows.length);
    if (cached !== undefined) return cached;
    // Kysely takes the columns from the values' keys, whose order must match `toValues`.
    const { sql } = this.database.kysely.insertInto('turn_events').values(rows.map(orderedRow)).compile();
    this.#insertSql.set(rows.length, sql);
    return sql;
  }

  /** Reads the stored position of a turn after a failed write, whose outcome is unknown. */
  async resync(executor: Kysely<Tables>, turn: LiveTurn): Promise<ResyncResult> {
    const owner = await executor
      .selectFrom('turns')
      .select(['state', 'attempt'])
      .where('id', '=', turn.id)
      .executeTakeFirst();
    if (owner?.state !== 'running' || owner.attempt !== turn.attempt) return { kind: 'lost' };
    const rows = await executor
      .selectFrom('turn_events')
      .select(['sequence', 'attempt', 'first_index', 'events'])
      .where('turn_id', '=', turn.id)
      .where('sequence', '>', turn.sequence)
      .orderBy('sequence')
      .execute();
    const own = this.#parse(turn.id, rows).filter((row) => row.attempt === turn.attempt);
    return {
      kind: 'owned',
      committed: own.reduce((length, row) => Math.max(length, row.firstIndex + row.events.length), turn.committed),
      sequence: rows.at(-1)?.sequence ?? turn.sequence,
    };
  }

  /**
   * Ends the turn, updates its thread, records what it used, and settles the messages that were handed to the turn while it ran. False, and nothing changed,
   * when this attempt does not own the running turn (any more). Must be the first statement of its transaction: it is the fence.
   *
   * @param heardIds the messages that the turn heard while it ran.
   */
  async writeEnd(
    executor: Transaction<Tables>,
    turn: { readonly id: string; readonly attempt: number },
    outcome: TurnOutcome,
    heardIds: readonly string[] = [],
  ): Promise<boolean> {
    const [row] = await END_TURN.run(executor, {
      id: turn.id,
      attempt: turn.attempt,
      state: outcome.state,
      stop_reason: outcome.state === 'completed' ? outcome.stopReason : null,
      usage: toJsonOrNull(outcome.usage),
      failure: outcome.state === 'completed' ? null : toJsonOrNull(outcome.failure),
      message: toJsonOrNull(outcome.message),
      ended_at: outcome.endedAt,
    });
    if (row === undefined) return false;
    const parks = outcome.callerCalls.length > 0;
    if (parks) await insertCalls(executor, { id: turn.id, threadId: row.thread_id }, outcome.callerCalls);
    // The calls that a failed turn was to answer wait again: the caller sends its results with its retry.
    const parkedTurn = outcome.state === 'failed' ? row.answers_turn : parks ? turn.id : null;
    const [thread] = await END_IN_THREAD.run(executor, {
      id: row.thread_id,
      state: outcome.state === 'failed' ? 'failed' : 'idle',
      updated_at: outcome.endedAt,
      parked_turn: parkedTurn,
      session_id: outcome.sessionId ?? null,
      context_usage: toJsonOrNull(outcome.contextUsage),
    });
    if (thread === undefined) throw new Error('the thread of a turn is not there');
    const audiences = audiencesOf(thread, this.options);
    await queueTurnWebhooks(executor, thread, { id: turn.id, messageId: row.message_id }, outcome, audiences);
    await recordUsage(executor, { ...thread, ...row, turn_id: turn.id }, outcome);
    await settleMessages(executor, { id: turn.id, threadId: row.thread_id }, heardIds, outcome);
    const billed = { tenant: thread.tenant, keyId: row.key_id ?? undefined };
    await queueBudgetWebhooks(executor, billed, outcome, audiences);
    return true;
  }

  /** True when this attempt's end is already stored: the commit succeeded although its response was lost. */
  async hasEndedAs(turn: { readonly id: string; readonly attempt: number }, outcome: TurnOutcome): Promise<boolean> {
    const row = await this.database.kysely
      .selectFrom('turns')
      .select('id')
      .where('id', '=', turn.id)
      .where('attempt', '=', turn.attempt)
      .where('state', '=', outcome.state)
      .where('ended_at', '=', outcome.endedAt)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Deletes the events of one batch of turns that ended before `before`. Returns the number of turns; 0 when none are left. */
  prune(before: number, now: number): Promise<number> {
    return this.database.transaction(async (transaction) => {
      const turns = await transaction
        .selectFrom('turns')
        .select('id')
        .where('ended_at', '<', before)
        .where('events_pruned_at', 'is', null)
        .orderBy('ended_at')
        .limit(PRUNE_BATCH_SIZE)
        .execute();
      const ids = turns.map((turn) => turn.id);
      if (ids.length === 0) return 0;
      await transaction.deleteFrom('turn_events').where('turn_id', 'in', ids).execute();
      await transaction.updateTable('turns').set({ events_pruned_at: now }).where('id', 'in', ids).execute();
      return ids.length;
    });
  }
}

function orderedRow(row: TurnEventTable): TurnEventTable {
  const { turn_id, sequence, attempt, first_index, events, created_at } = row;
  return { turn_id, sequence, attempt, first_index, events, created_at };
}

function toValues(row: TurnEventTable): readonly (string | number)[] {
  return [row.turn_id, row.sequence, row.attempt, row.first_index, row.events, row.created_at];
}
