// Over 250 lines because it holds every statement on the turns table.
import { Inject, Injectable } from '@nestjs/common';
import type { Kysely, Selectable, SelectQueryBuilder, Transaction } from 'kysely';
import { Database, isUniqueViolation } from '../database/database.js';
import { limitOf, PreparedQuery } from '../database/prepared-query.js';
import type { Tables, TurnTable } from '../database/tables.js';
import { insertToolSet, setParkedTurn } from './caller-tool.store.js';
import { hearStoredMessages, releasePromptMessages } from './heard-messages.js';
import { isLargeInput, removeLargeInput, removeStrayInputs, storeLargeInput, withLargeInput } from './large-input.js';
import { addMessages } from './turn-input.js';
import {
  type NewTurn,
  parseTurnState,
  toTurn,
  toTurnSummary,
  type Turn,
  type TurnFailure,
  type TurnState,
  type TurnSummary,
} from './turn.js';
import { IS_UNFINISHED, toUnfinishedTurn, type UnfinishedTurn } from './unfinished-turns.js';

export type { NewTurn, Turn, TurnFailure, TurnOutcome, TurnState } from './turn.js';

/** Most turns with one request key that a lookup returns. */
const MAX_BY_REQUEST_KEY = 20;

/** Most candidate turns that a retry without a thread key is matched against. */
const MAX_SAME_REQUESTS = 500;

/** Who runs a turn. */
export interface Claimant {
  /** The node that runs the turn; with SQLite, the process. */
  readonly owner: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

// Updating the thread's row locks it on both databases, so that concurrent turns get distinct numbers.
const TOUCH_THREAD = new PreparedQuery((kysely, { id, now }: { readonly id: string; readonly now: number }) =>
  kysely.updateTable('threads').set({ updated_at: now }).where('id', '=', id).returning('parked_turn'),
);
const START_THREAD = new PreparedQuery((kysely, { id, now }: { readonly id: string; readonly now: number }) =>
  kysely
    .updateTable('threads')
    .set({ updated_at: now, state: 'running' })
    .where('id', '=', id)
    .returning('parked_turn'),
);
const LAST_SEQUENCE = new PreparedQuery((kysely, { threadId }: { readonly threadId: string }) =>
  kysely
    .selectFrom('turns')
    .select('sequence')
    .where('thread_id', '=', threadId)
    .orderBy('sequence', 'desc')
    .limit(limitOf(1)),
);
const INSERT_TURN = new PreparedQuery((kysely, row: TurnTable) => kysely.insertInto('turns').values(row));
const LAST_SUMMARIES = new PreparedQuery(
  (kysely, { threadId, limit }: { readonly threadId: string; readonly limit: number }) =>
    selectSummaries(kysely).where('thread_id', '=', threadId).orderBy('sequence', 'desc').limit(limitOf(limit)),
);
const MARK_DELIVERED = new PreparedQuery((kysely, { id, now }: { readonly id: string; readonly now: number }) =>
  kysely.updateTable('turns').set({ delivered_at: now }).where('id', '=', id).where('delivered_at', 'is', null),
);

/** Runs in the transaction that stores a turn. */
export type StoredWith = (transaction: Transaction<Tables>) => Promise<void>;

/** A turn to store, and what its row has of an input that is stored in pieces. */
interface Insertion {
  readonly turn: NewTurn;
  readonly inPieces?: Pick<TurnTable, 'prompt' | 'request'>;
  readonly storedWith: StoredWith | undefined;
}

/** A stored turn; `created` is false for one that was there before. */
interface Inserted {
  readonly turn: Turn;
  readonly created: boolean;
}

function toRow(
  turn: NewTurn,
  input: Pick<TurnTable, 'prompt' | 'request'>,
  sequence: number,
  claimant: Claimant | undefined,
  parkedTurnId: string | null,
): TurnTable {
  return {
    id: turn.id,
    message_id: turn.messageId,
    thread_id: turn.threadId,
    sequence,
    state: claimant === undefined ? 'queued' : 'running',
    request_key: turn.requestKey,
    prompt_key: turn.promptKey ?? null,
    answers_turn: parkedTurnId,
    idempotency_key: turn.idempotencyKey ?? null,
    caller: turn.caller,
    ...input,
    attempt: claimant === undefined ? 0 : 1,
    owner: claimant?.owner ?? null,
    lease_expires_at: null,
    stop_reason: null,
    usage: null,
    failure: null,
    message: null,
    delivered_at: null,
    events_pruned_at: null,
    response_deleted_at: null,
    created_at: turn.createdAt,
    started_at: claimant?.now ?? null,
    ended_at: null,
    interrupted_at: null,
    key_id: turn.billedTo?.keyId ?? null,
    user_id: turn.billedTo?.userId ?? null,
    maker: turn.maker ?? null,
  };
}

async function readTurn(kysely: Kysely<Tables>, row: Selectable<TurnTable>): Promise<Turn> {
  return toTurn(await withLargeInput(kysely, row));
}

/** A turn was not stored, because its prompt repeats a message that another turn has heard meanwhile. */
export class AlreadyHeardError extends Error {
  override readonly name = 'AlreadyHeardError';
}

/** The turns of all threads. Only the event log writes the end of a running turn. Every method rejects when the store cannot be reached. */
@Injectable()
export class TurnStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /**
   * Queues a turn at the end of its thread; with a claimant it runs at once, as attempt 1, unless another turn of the thread runs.
   * The turn answers the calls that the thread waits for, if it does: with results, or by going on without them.
   * Returns the existing turn, with `created` false, when the thread already has one with this idempotency key. Rejects when
   * there is no such thread.
   *
   * The turn hears the thread's stored messages: its prompt gets them, before its own.
   *
   * @throws AlreadyHeardError when another turn has one of the messages that the prompt repeats.
   */
  async create(turn: NewTurn, claimant?: Claimant, storedWith?: StoredWith): Promise<Inserted> {
    if (!isLargeInput(this.database, turn)) return this.#insertOrQueue({ turn, storedWith }, claimant);
    let isNeeded = false;
    try {
      const inPieces = await storeLargeInput(this.database.kysely, turn);
      const stored = await this.#insertOrQueue({ turn, inPieces, storedWith }, claimant);
      isNeeded = stored.created && stored.turn.prompt === turn.prompt;
      return stored;
    } finally {
      if (!isNeeded) await removeLargeInput(this.database.kysely, turn.id);
    }
  }

  async #insertOrQueue(insertion: Insertion, claimant: Claimant | undefined): Promise<Inserted> {
    try {
      return await this.#insert(insertion, claimant);
    } catch (error) {
      if (claimant === undefined || !isUniqueViolation(error)) throw error;
      return this.#insert(insertion, undefined);
    }
  }

  #insert({ turn, inPieces, storedWith }: Insertion, claimant: Claimant | undefined): Promise<Inserted> {
    return this.database.transaction(async (transaction) => {
      if (claimant !== undefined) await this.database.lockNode(transaction);
      const update = claimant === undefined ? TOUCH_THREAD : START_THREAD;
      const [thread] = await update.run(transaction, { id: turn.threadId, now: turn.createdAt });
      if (thread === undefined) throw new Error(`there is no thread ${turn.threadId}`);
      if (turn.idempotencyKey !== undefined) {
        const existing = await transaction
          .selectFrom('turns')
          .selectAll()
          .where('thread_id', '=', turn.threadId)
          .where('idempotency_key', '=', turn.idempotencyKey)
          .executeTakeFirst();
        if (existing !== undefined) return { turn: await readTurn(transaction, existing), created: false };
      }
      const [last] = await LAST_SEQUENCE.run(transaction, { threadId: turn.threadId });
      const messages = await hearStoredMessages(transaction, turn, turn.createdAt);
      const heardIds = new Set(messages.map(({ id }) => id));
      if (turn.repeats?.some((id) => !heardIds.has(id)) === true) throw new AlreadyHeardError();
      const { prompt, request } = addMessages(turn, messages, { createdAt: Infinity, repeats: turn.repeats ?? [] });
      const isUnchanged = prompt === turn.prompt;
      const row = toRow(
        turn,
        (isUnchanged ? inPieces : undefined) ?? { prompt: JSON.stringify(prompt), request: JSON.stringify(request) },
        Math.max(last?.sequence ?? 0, turn.afterSequence ?? 0) + 1,
        claimant,
        thread.parked_turn,
      );
      await INSERT_TURN.run(transaction, row);
      if (thread.parked_turn !== null) await setParkedTurn(transaction, turn.threadId, null);
      if (turn.toolSet !== undefined) await insertToolSet(transaction, turn.threadId, turn.toolSet);
      await storedWith?.(transaction);
      // Not read back from the store: parsing a 30 MB prompt again would block the event loop.
      const stored = toTurn({ ...row, prompt: '[]' });
      return { turn: { ...stored, prompt, ...(inPieces === undefined ? {} : { request }) }, created: true };
    });
  }

  /**
   * Starts a queued turn as attempt 1; it hears the messages that were stored while it waited. `undefined` when another turn of its
   * thread runs, when it is not queued (any more), or when another node has the thread.
   */
  async claim(turnId: string, claimant: Claimant): Promise<Turn | undefined> {
    try {
      return await this.database.transaction(async (transaction) => {
        await this.database.lockNode(transaction);
        const row = await transaction
          .updateTable('turns')
          .set({
            state: 'running',
            attempt: 1,
            owner: claimant.owner,
            started_at: claimant.now,
          })
          .where('id', '=', turnId)
          .where('state', '=', 'queued')
          .$if(this.database.node !== undefined, (query) => query.where('thread_id', 'in', this.#threadsOf(claimant)))
          .returningAll()
          .executeTakeFirst();
        if (row === undefined) return undefined;
        const thread = await transaction
          .updateTable('threads')
          .set({ state: 'running', updated_at: claimant.now })
          .where('id', '=', row.thread_id)
          .returning('parked_turn')
          .executeTakeFirst();
        const claimed = await this.#hearMessages(transaction, await readTurn(transaction, row), claimant.now);
        if (thread === undefined || thread.parked_turn === null) return claimed;
        // It was queued before the turn in front of it ended with calls: it goes on without their results.
        await setParkedTurn(transaction, row.thread_id, null);
        await transaction
          .updateTable('turns')
          .set({ answers_turn: thread.parked_turn })
          .where('id', '=', turnId)
          .execute();
        return { ...claimed, answersTurn: thread.parked_turn };
      });
    } catch (error) {
      // The unique index on running turns per thread decides between concurrent claims.
      if (isUniqueViolation(error)) return undefined;
      throw error;
    }
  }

  async #hearMessages(transaction: Transaction<Tables>, turn: Turn, now: number): Promise<Turn> {
    const messages = await hearStoredMessages(transaction, { id: turn.id, threadId: turn.threadId }, now);
    const { prompt, request } = addMessages(turn, messages, { createdAt: turn.createdAt, repeats: [] });
    if (prompt === turn.prompt) return turn;
    await transaction
      .updateTable('turns')
      .set({ prompt: JSON.stringify(prompt), request: JSON.stringify(request) })
      .where('id', '=', turn.id)
      .execute();
    return { ...turn, prompt, request };
  }

  /** Takes a running turn over as its next attempt. `undefined` when it has ended or its attempt is no longer `fromAttempt`. */
  reclaim(turnId: string, claimant: Claimant & { readonly fromAttempt: number }): Promise<Turn | undefined> {
    return this.database.transaction(async (transaction) => {
      await this.database.lockNode(transaction);
      const row = await transaction
        .updateTable('turns')
        .set({ attempt: claimant.fromAttempt + 1, owner: claimant.owner })
        .where('id', '=', turnId)
        .where('state', '=', 'running')
        .where('attempt', '=', claimant.fromAttempt)
        .$if(this.database.node !== undefined, (query) => query.where('thread_id', 'in', this.#threadsOf(claimant)))
        .returningAll()
        .executeTakeFirst();
      return row === undefined ? undefined : readTurn(transaction, row);
    });
  }

  #threadsOf({ owner }: Claimant) {
    return this.database.kysely.selectFrom('threads').select('id').where('node', '=', owner);
  }

  /** Records that a caller interrupts a running turn which no server can be told of; it ends with its next attempt. False if it has ended. */
  async requestInterrupt(turnId: string, now: number): Promise<boolean> {
    const result = await this.database.kysely
      .updateTable('turns')
      .set({ interrupted_at: now })
      .where('id', '=', turnId)
      .where('state', '=', 'running')
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  async byId(id: string): Promise<Turn | undefined> {
    return this.#first(this.#turns().where('id', '=', id));
  }

  async byMessageId(messageId: string): Promise<Turn | undefined> {
    // Callers can send any text, and PostgreSQL rejects U+0000.
    if (messageId.includes('\u0000')) return undefined;
    return this.#first(this.#turns().where('message_id', '=', messageId));
  }

  async byIdempotencyKey(threadId: string, key: string): Promise<Turn | undefined> {
    const query = this.#turns().where('thread_id', '=', threadId).where('idempotency_key', '=', key);
    return this.#first(query);
  }

  /** The turns of all threads with this request key, created at or after `since`, newest first. */
  async byRequestKey(requestKey: string, since: number): Promise<readonly Turn[]> {
    const query = this.#turns().where('request_key', '=', requestKey).where('created_at', '>=', since);
    return this.#all(query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(MAX_BY_REQUEST_KEY));
  }

  /**
   * The turns that a request without a thread key may retry, newest first: those with its idempotency key or, without a key,
   * those that have none either and that no caller has read to the end.
   */
  async sameRequests(
    requestKey: string,
    idempotencyKey: string | undefined,
    since: number,
  ): Promise<readonly TurnSummary[]> {
    const all = selectSummaries(this.database.kysely)
      .where('request_key', '=', requestKey)
      .where('created_at', '>=', since);
    const same =
      idempotencyKey === undefined
        ? all.where('idempotency_key', 'is', null).where('delivered_at', 'is', null)
        : all.where('idempotency_key', '=', idempotencyKey);
    const rows = await same.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(MAX_SAME_REQUESTS).execute();
    return rows.map(toTurnSummary);
  }

  /** The thread's last turn. */
  async latest(threadId: string): Promise<Turn | undefined> {
    return (await this.lastTurns(threadId, 1))[0];
  }

  /** The thread's last turns, or the last ones before this sequence number, newest first. */
  async lastTurns(threadId: string, limit: number, before?: number): Promise<readonly Turn[]> {
    const all = this.#turns().where('thread_id', '=', threadId);
    const query = before === undefined ? all : all.where('sequence', '<', before);
    return this.#all(query.orderBy('sequence', 'desc').limit(limit));
  }

  /** The thread's turns from this sequence number on, in order. */
  async turnsFrom(threadId: string, sequence: number, limit: number): Promise<readonly Turn[]> {
    const query = this.#turns().where('thread_id', '=', threadId).where('sequence', '>=', sequence);
    return this.#all(query.orderBy('sequence').limit(limit));
  }

  /** Whether any turn of the thread has a complete or partial answer. */
  async hasAnswer(threadId: string): Promise<boolean> {
    const query = this.#turns().clearSelect().select('id').where('thread_id', '=', threadId);
    return (await query.where('message', 'is not', null).limit(1).executeTakeFirst()) !== undefined;
  }

  /** The thread's last turns without prompts and answers, newest first. */
  async lastTurnSummaries(threadId: string, limit: number): Promise<readonly TurnSummary[]> {
    return (await LAST_SUMMARIES.run(this.database.kysely, { threadId, limit })).map(toTurnSummary);
  }

  /** The number of the last turn of the thread that this maker has made, and that has not failed; 0 without one. */
  async lastOfMaker(threadId: string, maker: string): Promise<number> {
    const query = this.#turns().clearSelect().select('sequence').where('thread_id', '=', threadId);
    const own = query.where('maker', '=', maker).where('state', '!=', 'failed').orderBy('sequence', 'desc');
    return (await own.limit(1).executeTakeFirst())?.sequence ?? 0;
  }

  /** The thread's last turns that others than this maker have made after this sequence number, newest first, and how many there are. */
  async lastOfOthers(
    threadId: string,
    maker: string,
    since: number,
    limit: number,
  ): Promise<{ readonly turns: readonly Turn[]; readonly count: number }> {
    const after = this.#turns().where('thread_id', '=', threadId).where('sequence', '>', since);
    // The maker of turns of older versions is not known.
    const query = after.where((by) => by.or([by('maker', 'is', null), by('maker', '!=', maker)]));
    const turns = await this.#all(query.orderBy('sequence', 'desc').limit(limit));
    if (turns.length < limit) return { turns, count: turns.length };
    const { count } = await query
      .clearSelect()
      .select(({ fn }) => fn.countAll().as('count'))
      .executeTakeFirstOrThrow();
    return { turns, count: Number(count) };
  }

  /** The number of the last turn of the thread that has ended; 0 without one. A later one that waits or starts has changed no file yet. */
  async lastEnded(threadId: string): Promise<number> {
    const query = this.#turns().clearSelect().select('sequence').where('thread_id', '=', threadId);
    const ended = query.where('state', 'not in', ['queued', 'running']).orderBy('sequence', 'desc');
    return (await ended.limit(1).executeTakeFirst())?.sequence ?? 0;
  }

  /** All queued or running turns, oldest first; of all threads, or of one. */
  async unfinished(threadId?: string): Promise<readonly Turn[]> {
    const all = this.#turns().where(IS_UNFINISHED);
    const query = threadId === undefined ? all : all.where('thread_id', '=', threadId);
    return this.#all(query.orderBy('created_at').orderBy('thread_id').orderBy('sequence'));
  }

  /** The queued and running turns of the threads that a node has, oldest first. */
  async unfinishedOf(
    node: string,
  ): Promise<readonly { readonly id: string; readonly threadId: string; readonly isInterrupted: boolean }[]> {
    const rows = await this.database.kysely
      .selectFrom('turns')
      .innerJoin('threads', 'threads.id', 'turns.thread_id')
      .select(['turns.id', 'turns.thread_id', 'turns.interrupted_at'])
      .where(IS_UNFINISHED)
      .where('threads.node', '=', node)
      .orderBy('turns.created_at')
      .orderBy('turns.thread_id')
      .orderBy('turns.sequence')
      .execute();
    return rows.map((row) => ({
      id: row.id,
      threadId: row.thread_id,
      isInterrupted: row.interrupted_at !== null,
    }));
  }

  /** The first turns that run or wait, of all tenants: those that run first, each oldest first; and how many there are. */
  async listUnfinished(limit: number): Promise<{ readonly turns: readonly UnfinishedTurn[]; readonly total: number }> {
    const unfinished = this.database.kysely
      .selectFrom('turns')
      .innerJoin('threads', 'threads.id', 'turns.thread_id')
      .where(IS_UNFINISHED);
    const { total } = await unfinished
      .select((select) => select.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await unfinished
      .select(['turns.id', 'turns.state', 'turns.attempt', 'turns.created_at', 'turns.started_at'])
      .select(['threads.tenant', 'threads.key', 'threads.harness', 'threads.node'])
      .orderBy('turns.state', 'desc')
      .orderBy('turns.created_at')
      .orderBy('turns.thread_id')
      .orderBy('turns.sequence')
      .limit(limit)
      .execute();
    return { turns: rows.map(toUnfinishedTurn), total };
  }

  /** The node of a turn's thread, and whether the turn goes on; `undefined` when there is no such turn. */
  async placeOf(
    turnId: string,
  ): Promise<{ readonly threadId: string; readonly node: string | undefined; readonly state: TurnState } | undefined> {
    const row = await this.database.kysely
      .selectFrom('turns')
      .innerJoin('threads', 'threads.id', 'turns.thread_id')
      .select(['turns.state', 'turns.thread_id', 'threads.node'])
      .where('turns.id', '=', turnId)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    return { threadId: row.thread_id, node: row.node ?? undefined, state: parseTurnState(row.state) };
  }

  /** The thread's queued turns in order. */
  async queued(threadId: string): Promise<readonly Turn[]> {
    const query = this.#turns().where('thread_id', '=', threadId).where('state', '=', 'queued').orderBy('sequence');
    return this.#all(query);
  }

  /**
   * Cancels a turn that has not started; the messages that were added to its prompt are stored again. False when it is not queued
   * (any more).
   */
  cancelQueued(
    turnId: string,
    why: { readonly now: number; readonly failure: TurnFailure | undefined },
  ): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const row = await transaction
        .updateTable('turns')
        .set({
          state: 'cancelled',
          ended_at: why.now,
          failure: why.failure === undefined ? null : JSON.stringify(why.failure),
        })
        .where('id', '=', turnId)
        .where('state', '=', 'queued')
        .returning(['thread_id', 'answers_turn'])
        .executeTakeFirst();
      if (row === undefined) return false;
      await releasePromptMessages(transaction, turnId);
      if (row.answers_turn !== null) await setParkedTurn(transaction, row.thread_id, row.answers_turn);
      return true;
    });
  }

  /** Records that a caller has read the turn to its end; only the first call has an effect. */
  async markDelivered(turnId: string, now: number): Promise<void> {
    await MARK_DELIVERED.run(this.database.kysely, { id: turnId, now });
  }

  /** Records that a caller has deleted the response of a turn; only the first call has an effect. */
  async markResponseDeleted(turnId: string, now: number): Promise<void> {
    await this.database.kysely
      .updateTable('turns')
      .set({ response_deleted_at: now })
      .where('id', '=', turnId)
      .where('response_deleted_at', 'is', null)
      .execute();
  }

  /** Removes what a server that was killed has left of inputs whose turns it did not store. */
  removeStrayInputs(): Promise<void> {
    return removeStrayInputs(this.database.kysely);
  }

  #turns() {
    return this.database.kysely.selectFrom('turns').selectAll();
  }

  async #first(query: TurnQuery): Promise<Turn | undefined> {
    const row = await query.executeTakeFirst();
    return row === undefined ? undefined : readTurn(this.database.kysely, row);
  }

  async #all(query: TurnQuery): Promise<readonly Turn[]> {
    const turns: Turn[] = [];
    for (const row of await query.execute()) turns.push(await readTurn(this.database.kysely, row));
    return turns;
  }
}

type TurnQuery = SelectQueryBuilder<Tables, 'turns', Selectable<TurnTable>>;

function selectSummaries(kysely: Kysely<Tables>) {
  return kysely
    .selectFrom('turns')
    .select([
      'id',
      'thread_id',
      'sequence',
      'state',
      'request_key',
      'prompt_key',
      'maker',
      'delivered_at',
      'ended_at',
      'failure',
    ])
    .select((select) => select('message', 'is not', null).as('has_message'));
}
