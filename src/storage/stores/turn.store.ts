// A little over 250 lines: every statement on the table of turns is here.
import { Inject, Injectable } from '@nestjs/common';
import type { Selectable } from 'kysely';
import { Database, isUniqueViolation } from '../database/database.js';
import type { TurnTable } from '../database/tables.js';
import { toTurnSummary, toTurn, type NewTurn, type Turn, type TurnFailure, type TurnSummary } from './turn.js';

export type { NewTurn, Turn, TurnFailure, TurnOutcome, TurnState } from './turn.js';

/** How many turns of the same words are looked at, at most. */
const SAME_REQUESTS = 20;

/** How many identical unfinished turns are compared, at most. */
const IDENTICAL_REQUESTS = 500;

/** Who runs a turn, and until when others must believe it. Times are milliseconds since the epoch. */
export interface Lease {
  /** The process that runs the turn. */
  readonly owner: string;
  readonly leaseExpiresAt: number;
  readonly now: number;
}

function toRow(turn: NewTurn, sequence: number, lease: Lease | undefined): TurnTable {
  return {
    id: turn.id,
    message_id: turn.messageId,
    thread_id: turn.threadId,
    sequence,
    state: lease === undefined ? 'queued' : 'running',
    request_key: turn.requestKey,
    idempotency_key: turn.idempotencyKey ?? null,
    caller: turn.caller,
    prompt: JSON.stringify(turn.prompt),
    request: JSON.stringify(turn.request),
    attempt: lease === undefined ? 0 : 1,
    owner: lease?.owner ?? null,
    lease_expires_at: lease?.leaseExpiresAt ?? null,
    stop_reason: null,
    usage: null,
    failure: null,
    message: null,
    delivered_at: null,
    events_pruned_at: null,
    created_at: turn.createdAt,
    started_at: lease?.now ?? null,
    ended_at: null,
  };
}

function turnOrUndefined(row: Selectable<TurnTable> | undefined): Turn | undefined {
  return row === undefined ? undefined : toTurn(row);
}

/** The turns of all threads. How a running turn ends is the event log's to write. Every method rejects when the store cannot be reached. */
@Injectable()
export class TurnStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Queues a turn at the end of its thread; with a lease it runs at once, as attempt 1, unless another one of the thread runs.
   * With an idempotency key that the thread has seen, gives the turn of then, and `created` is false. Rejects when there is no
   * such thread.
   */
  async create(turn: NewTurn, lease?: Lease): Promise<{ readonly turn: Turn; readonly created: boolean }> {
    try {
      return await this.#insert(turn, lease);
    } catch (error) {
      if (lease === undefined || !isUniqueViolation(error)) throw error;
      return this.#insert(turn, undefined);
    }
  }

  #insert(turn: NewTurn, lease: Lease | undefined): Promise<{ readonly turn: Turn; readonly created: boolean }> {
    return this.database.transaction(async (transaction) => {
      // The thread's row is the lock under which turns are numbered; an update takes it on both databases.
      const thread = await transaction
        .updateTable('threads')
        .set({ updated_at: turn.createdAt, ...(lease === undefined ? {} : { state: 'running' }) })
        .where('id', '=', turn.threadId)
        .executeTakeFirst();
      if (thread.numUpdatedRows === 0n) throw new Error(`there is no thread ${turn.threadId}`);
      if (turn.idempotencyKey !== undefined) {
        const known = await transaction
          .selectFrom('turns')
          .selectAll()
          .where('thread_id', '=', turn.threadId)
          .where('idempotency_key', '=', turn.idempotencyKey)
          .executeTakeFirst();
        if (known !== undefined) return { turn: toTurn(known), created: false };
      }
      const last = await transaction
        .selectFrom('turns')
        .select('sequence')
        .where('thread_id', '=', turn.threadId)
        .orderBy('sequence', 'desc')
        .limit(1)
        .executeTakeFirst();
      const row = toRow(turn, (last?.sequence ?? 0) + 1, lease);
      await transaction.insertInto('turns').values(row).execute();
      // Not read back from the store: parsing a prompt of 30 MB again would hold up everybody else.
      return { turn: { ...toTurn({ ...row, prompt: '[]' }), prompt: turn.prompt }, created: true };
    });
  }

  /** Makes a queued turn the running one of its thread, as attempt 1. `undefined` when another runs or it is not queued (any more). */
  async claim(turnId: string, lease: Lease): Promise<Turn | undefined> {
    try {
      return await this.database.transaction(async (transaction) => {
        const row = await transaction
          .updateTable('turns')
          .set({
            state: 'running',
            attempt: 1,
            owner: lease.owner,
            lease_expires_at: lease.leaseExpiresAt,
            started_at: lease.now,
          })
          .where('id', '=', turnId)
          .where('state', '=', 'queued')
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return undefined;
        await transaction
          .updateTable('threads')
          .set({ state: 'running', updated_at: lease.now })
          .where('id', '=', row.thread_id)
          .execute();
        return toTurn(row);
      });
    } catch (error) {
      // The index that allows one running turn per thread is what decides between two claims at once.
      if (isUniqueViolation(error)) return undefined;
      throw error;
    }
  }

  /** Takes a running turn over as its next attempt. `undefined` when `fromAttempt` is no longer its attempt, or it ended. */
  async reclaim(turnId: string, lease: Lease & { readonly fromAttempt: number }): Promise<Turn | undefined> {
    const row = await this.database.kysely
      .updateTable('turns')
      .set({ attempt: lease.fromAttempt + 1, owner: lease.owner, lease_expires_at: lease.leaseExpiresAt })
      .where('id', '=', turnId)
      .where('state', '=', 'running')
      .where('attempt', '=', lease.fromAttempt)
      .returningAll()
      .executeTakeFirst();
    return turnOrUndefined(row);
  }

  /** Prolongs the leases of all turns that this owner runs. Gives their ids: one that is missing was lost to another owner. */
  async renewLeases(owner: string, until: number): Promise<readonly string[]> {
    const rows = await this.database.kysely
      .updateTable('turns')
      .set({ lease_expires_at: until })
      .where('state', '=', 'running')
      .where('owner', '=', owner)
      .returning('id')
      .execute();
    return rows.map((row) => row.id);
  }

  async byId(id: string): Promise<Turn | undefined> {
    return turnOrUndefined(await this.#turns().where('id', '=', id).executeTakeFirst());
  }

  async byMessageId(messageId: string): Promise<Turn | undefined> {
    // A caller may ask for any text, and PostgreSQL refuses one with U+0000 in it.
    if (messageId.includes('\u0000')) return undefined;
    return turnOrUndefined(await this.#turns().where('message_id', '=', messageId).executeTakeFirst());
  }

  async byIdempotencyKey(threadId: string, key: string): Promise<Turn | undefined> {
    const query = this.#turns().where('thread_id', '=', threadId).where('idempotency_key', '=', key);
    return turnOrUndefined(await query.executeTakeFirst());
  }

  /** The turns of any thread with this request key that were made at or after `since`, the newest first. */
  async byRequestKey(requestKey: string, since: number): Promise<readonly Turn[]> {
    const query = this.#turns().where('request_key', '=', requestKey).where('created_at', '>=', since);
    return (await query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(SAME_REQUESTS).execute()).map(toTurn);
  }

  /**
   * The turns that a repeated request without a thread may be a retry of, newest first: those with
   * its idempotency key, or of those without any the ones that no caller has had.
   */
  async sameRequests(
    requestKey: string,
    idempotencyKey: string | undefined,
    since: number,
  ): Promise<readonly TurnSummary[]> {
    const all = this.#summaries().where('request_key', '=', requestKey).where('created_at', '>=', since);
    const same =
      idempotencyKey === undefined
        ? all.where('idempotency_key', 'is', null).where('delivered_at', 'is', null)
        : all.where('idempotency_key', '=', idempotencyKey);
    const rows = await same.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(IDENTICAL_REQUESTS).execute();
    return rows.map(toTurnSummary);
  }

  /** The thread's last turn. */
  async latest(threadId: string): Promise<Turn | undefined> {
    return (await this.lastTurns(threadId, 1))[0];
  }

  /** The thread's last turns, or the last ones before this number, the newest first. */
  async lastTurns(threadId: string, limit: number, before?: number): Promise<readonly Turn[]> {
    const all = this.#turns().where('thread_id', '=', threadId);
    const query = before === undefined ? all : all.where('sequence', '<', before);
    return (await query.orderBy('sequence', 'desc').limit(limit).execute()).map(toTurn);
  }

  /** The thread's turns from this number on, in their order. */
  async turnsFrom(threadId: string, sequence: number, limit: number): Promise<readonly Turn[]> {
    const query = this.#turns().where('thread_id', '=', threadId).where('sequence', '>=', sequence);
    return (await query.orderBy('sequence').limit(limit).execute()).map(toTurn);
  }

  /** Whether any turn of the thread has an answer, whole or as far as it came. */
  async hasAnswer(threadId: string): Promise<boolean> {
    const query = this.#turns().clearSelect().select('id').where('thread_id', '=', threadId);
    return (await query.where('message', 'is not', null).limit(1).executeTakeFirst()) !== undefined;
  }

  /** The summaries of the thread's last turns, newest first, without their messages. */
  async lastTurnSummaries(threadId: string, limit: number): Promise<readonly TurnSummary[]> {
    const query = this.#summaries().where('thread_id', '=', threadId);
    return (await query.orderBy('sequence', 'desc').limit(limit).execute()).map(toTurnSummary);
  }

  /** All turns that are queued or running, whoever owns them, the oldest first. */
  async unfinished(): Promise<readonly Turn[]> {
    const query = this.#turns().where('state', 'in', ['queued', 'running']);
    return (await query.orderBy('created_at').orderBy('thread_id').orderBy('sequence').execute()).map(toTurn);
  }

  /** The thread's queued turns in their order. */
  async queued(threadId: string): Promise<readonly Turn[]> {
    const query = this.#turns().where('thread_id', '=', threadId).where('state', '=', 'queued').orderBy('sequence');
    return (await query.execute()).map(toTurn);
  }

  /** Cancels a turn that has not begun. False when it is not queued (any more). */
  async cancelQueued(
    turnId: string,
    why: { readonly now: number; readonly failure: TurnFailure | undefined },
  ): Promise<boolean> {
    const result = await this.database.kysely
      .updateTable('turns')
      .set({
        state: 'cancelled',
        ended_at: why.now,
        failure: why.failure === undefined ? null : JSON.stringify(why.failure),
      })
      .where('id', '=', turnId)
      .where('state', '=', 'queued')
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  /** Notes that a caller has read the turn to its end; the first time counts. */
  async markDelivered(turnId: string, now: number): Promise<void> {
    await this.database.kysely
      .updateTable('turns')
      .set({ delivered_at: now })
      .where('id', '=', turnId)
      .where('delivered_at', 'is', null)
      .execute();
  }

  #turns() {
    return this.database.kysely.selectFrom('turns').selectAll();
  }

  #summaries() {
    return this.database.kysely
      .selectFrom('turns')
      .select(['id', 'thread_id', 'sequence', 'state', 'request_key', 'delivered_at', 'ended_at', 'failure'])
      .select((select) => select('message', 'is not', null).as('has_message'));
  }
}
