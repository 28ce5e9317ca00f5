// Over 250 lines because every statement about threads is here, and a third is doc comments.
import { Inject, Injectable } from '@nestjs/common';
import { type Kysely, sql } from 'kysely';
import { SIDE_THREAD_PREFIX } from '../../domain/side-thread.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { recordAudit } from './audit.store.js';
import { Database } from '../database/database.js';
import { PreparedQuery } from '../database/prepared-query.js';
import type { Tables, ThreadTable } from '../database/tables.js';
import { parseEnum, parseStored, parseStoredOrUndefined } from './turn.js';
import { IS_UNFINISHED } from './unfinished-turns.js';

/** The state of a thread; `failed` when its last turn failed. */
export type ThreadState = 'idle' | 'running' | 'failed';

/** One durable conversation with one harness. Times are milliseconds since the epoch. */
export interface Thread {
  readonly id: string;
  readonly tenant: string;
  /** `<source>:<id>`, unique per tenant. */
  readonly key: string;
  /** As stored, possibly by a version with other harnesses. */
  readonly harness: string;
  /** The model name of the first request; `answered-model.ts` derives the name in answers from it. */
  readonly model: string;
  /** The model to request from the harness; `undefined` for the harness's default. */
  readonly harnessModel: string | undefined;
  readonly systemPrompt: string | undefined;
  /** The harness's own id of the conversation, once it has reported one. */
  readonly sessionId: string | undefined;
  readonly state: ThreadState;
  readonly metadata: JsonObject;
  /** The context usage that the harness reported last. */
  readonly contextUsage: JsonObject | undefined;
  /** The turn that ended with calls of caller's tools which have no answer yet: the thread's agent waits. */
  readonly parkedTurnId: string | undefined;
  /** The node that has the thread's files and runs its turns; `undefined` for none, and with SQLite. */
  readonly node: string | undefined;
  /** Turns that have ended. */
  readonly turnCount: number;
  /** How often the thread has been given to another server. */
  readonly generation: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** A thread to create. */
export type NewThread = Pick<
  Thread,
  'id' | 'tenant' | 'key' | 'harness' | 'model' | 'harnessModel' | 'systemPrompt' | 'metadata' | 'createdAt'
> &
  Partial<Pick<Thread, 'node'>>;

/** The last thread of a page of threads; the next page begins after it. */
export type ThreadCursor = Pick<Thread, 'updatedAt' | 'id'>;

/** Whether the thread serves one side request: its agent has no tools, and the thread is removed some time later. */
export function isSideThread(thread: Pick<Thread, 'key' | 'metadata'>): boolean {
  return thread.key.startsWith(SIDE_THREAD_PREFIX) && thread.metadata['side'] === true;
}

/** Most ids in one statement; far below the parameter limits of both databases. */
const ID_BATCH_SIZE = 500;

const THREAD_STATES: readonly ThreadState[] = ['idle', 'running', 'failed'];

/** Converts a stored row. Throws for a state that this version does not know. */
export function toThread(row: ThreadTable): Thread {
  return {
    id: row.id,
    tenant: row.tenant,
    key: row.key,
    harness: row.harness,
    model: row.model,
    harnessModel: row.harness_model ?? undefined,
    systemPrompt: row.system_prompt ?? undefined,
    sessionId: row.session_id ?? undefined,
    state: parseEnum(THREAD_STATES, row.state, 'thread state'),
    metadata: parseStored<JsonObject>(row.metadata),
    contextUsage: parseStoredOrUndefined<JsonObject>(row.context_usage),
    parkedTurnId: row.parked_turn ?? undefined,
    node: row.node ?? undefined,
    turnCount: row.turn_count,
    generation: row.generation,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRow(thread: NewThread): ThreadTable {
  return {
    id: thread.id,
    tenant: thread.tenant,
    key: thread.key,
    harness: thread.harness,
    model: thread.model,
    harness_model: thread.harnessModel ?? null,
    system_prompt: thread.systemPrompt ?? null,
    session_id: null,
    state: 'idle',
    metadata: JSON.stringify(thread.metadata),
    context_usage: null,
    parked_turn: null,
    node: thread.node ?? null,
    turn_count: 0,
    snapshot: null,
    generation: 0,
    created_at: thread.createdAt,
    updated_at: thread.createdAt,
  };
}

const FIND_THREAD = new PreparedQuery((kysely, { tenant, key }: { readonly tenant: string; readonly key: string }) =>
  kysely.selectFrom('threads').selectAll().where('tenant', '=', tenant).where('key', '=', key),
);

const INSERT_THREAD = new PreparedQuery((kysely, row: ThreadTable) =>
  kysely
    .insertInto('threads')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant', 'key']).doNothing())
    .returning('id'),
);
const SET_SESSION = new PreparedQuery(
  (kysely, { id, sessionId }: { readonly id: string; readonly sessionId: string | null }) =>
    kysely.updateTable('threads').set({ session_id: sessionId }).where('id', '=', id),
);

/** The threads of all tenants. Every method rejects when the store cannot be reached. */
@Injectable()
export class ThreadStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Finds the thread with this tenant and key, or creates it from `thread`. Concurrent callers get the same thread. */
  async findOrCreate(thread: NewThread): Promise<{ readonly thread: Thread; readonly created: boolean }> {
    const row = toRow(thread);
    // Most callers have looked for it before.
    const [inserted] = await INSERT_THREAD.run(this.database.kysely, row);
    if (inserted !== undefined) return { thread: toThread(row), created: true };
    const existing = await this.find(thread.tenant, thread.key);
    if (existing === undefined) throw new Error('the thread was concurrently created and removed');
    return { thread: existing, created: false };
  }

  /** The tenant's thread with this key. */
  async find(tenant: string, key: string): Promise<Thread | undefined> {
    const [row] = await FIND_THREAD.run(this.database.kysely, { tenant, key });
    return row === undefined ? undefined : toThread(row);
  }

  async byId(id: string): Promise<Thread | undefined> {
    const row = await this.database.kysely.selectFrom('threads').selectAll().where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : toThread(row);
  }

  /**
   * A page of the tenant's threads, or of those of all tenants, last changed first. `before` is the last thread of the previous page;
   * `search` is a part of their keys, in any case.
   */
  async list(
    tenant: string | undefined,
    page: { readonly limit: number; readonly before?: ThreadCursor; readonly search?: string },
  ): Promise<readonly Thread[]> {
    const { before, limit, search } = page;
    let query = this.database.kysely.selectFrom('threads').selectAll();
    if (tenant !== undefined) query = query.where('tenant', '=', tenant);
    if (search !== undefined) {
      const pattern = `%${search.toLowerCase().replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
      query = query.where(sql<boolean>`lower(key) like ${pattern} escape '\\'`);
    }
    if (before !== undefined) {
      query = query.where((where) =>
        where.or([
          where('updated_at', '<', before.updatedAt),
          where.and([where('updated_at', '=', before.updatedAt), where('id', '<', before.id)]),
        ]),
      );
    }
    const rows = await query.orderBy('updated_at', 'desc').orderBy('id', 'desc').limit(limit).execute();
    return rows.map(toThread);
  }

  /** Stores the harness's own id of the conversation; `undefined` clears it. */
  async setSession(id: string, sessionId: string | undefined): Promise<void> {
    await SET_SESSION.run(this.database.kysely, { id, sessionId: sessionId ?? null });
  }

  /** Replaces the thread's system prompt; `undefined` removes it. */
  async setSystemPrompt(thread: Thread, systemPrompt: string | undefined): Promise<Thread> {
    const change = { system_prompt: systemPrompt ?? null };
    await this.database.kysely.updateTable('threads').set(change).where('id', '=', thread.id).execute();
    return { ...thread, systemPrompt };
  }

  /**
   * Replaces the model that is requested from the thread's harness. The model name of a session changes with it; that of a thread of the
   * Messages API stays, because its callers' later requests have it.
   */
  async setModel(thread: Thread, model: string): Promise<Thread> {
    const isSession = thread.metadata['session'] !== undefined;
    const change = { model: isSession ? model : thread.model, harness_model: model };
    await this.database.kysely.updateTable('threads').set(change).where('id', '=', thread.id).execute();
    return { ...thread, model: change.model, harnessModel: model };
  }

  /**
   * Switches the thread to another harness and clears the session id and model name, which only the old harness knows. False,
   * and nothing changed, when there is no such thread or one of its turns runs.
   */
  async switchHarness(
    id: string,
    to: { readonly harness: string; readonly harnessModel: string | undefined; readonly now: number },
  ): Promise<boolean> {
    const result = await this.database.kysely
      .updateTable('threads')
      .set({
        harness: to.harness,
        harness_model: to.harnessModel ?? null,
        session_id: null,
        context_usage: null,
        // The new agent has not made the calls; their results are refused as unexpected.
        parked_turn: null,
        updated_at: to.now,
      })
      .where('id', '=', id)
      .where('state', '!=', 'running')
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  /** Side threads that have not changed since `before` and have no running turn, oldest first. */
  async listExpiredSideThreads(before: number, limit: number): Promise<readonly Thread[]> {
    const rows = await this.database.kysely
      .selectFrom('threads')
      .selectAll()
      .where('key', 'like', `${SIDE_THREAD_PREFIX}%`)
      .where('metadata', 'like', '%"side":true%')
      .where('updated_at', '<', before)
      .where('state', '!=', 'running')
      .orderBy('updated_at')
      .limit(limit)
      .execute();
    return rows.map(toThread).filter(isSideThread);
  }

  /** Threads that have not changed since `before` and have no turn that runs or is queued, oldest first; all of them, or the one with this id. */
  async listUnused(before: number, limit: number, id?: string): Promise<readonly Thread[]> {
    let query = this.database.kysely
      .selectFrom('threads')
      .selectAll()
      .where('updated_at', '<', before)
      .where('state', '!=', 'running')
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('turns')
              .select('turns.id')
              .whereRef('turns.thread_id', '=', 'threads.id')
              .where(IS_UNFINISHED),
          ),
        ),
      );
    if (id !== undefined) query = query.where('id', '=', id);
    return (await query.orderBy('updated_at').limit(limit).execute()).map(toThread);
  }

  /** The node of a thread; `undefined` when there is no such thread. */
  async nodeOf(id: string): Promise<{ readonly node: string | undefined } | undefined> {
    const row = await this.database.kysely.selectFrom('threads').select('node').where('id', '=', id).executeTakeFirst();
    return row === undefined ? undefined : { node: row.node ?? undefined };
  }

  /** Gives a thread to another node, unless it was given to a third one meanwhile: false then. `undefined` takes it from all. */
  async assign(id: string, from: string | undefined, to: string | undefined): Promise<boolean> {
    const result = await this.database.kysely
      .updateTable('threads')
      .set((set) => ({ node: to ?? null, generation: set('generation', '+', 1) }))
      .where('id', '=', id)
      .where('node', 'is not distinct from', from ?? null)
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  /** Takes all threads from a node, for others to take them. */
  async releaseAll(node: string): Promise<void> {
    await this.database.kysely.updateTable('threads').set({ node: null }).where('node', '=', node).execute();
  }

  /** Gives those of the threads that no node has to a node: they are from before the store had several servers. */
  async adopt(ids: readonly string[], node: string): Promise<void> {
    for (let index = 0; index < ids.length; index += ID_BATCH_SIZE) {
      const batch = ids.slice(index, index + ID_BATCH_SIZE);
      const query = this.database.kysely.updateTable('threads').set({ node });
      await query.where('node', 'is', null).where('id', 'in', batch).execute();
    }
  }

  /** The threads with queued or running turns that no node has, or only one that the others have given up. */
  async unplaced(executor: Kysely<Tables> = this.database.kysely): Promise<readonly string[]> {
    const rows = await executor
      .selectFrom('turns')
      .innerJoin('threads', 'threads.id', 'turns.thread_id')
      .leftJoin('nodes', 'nodes.id', 'threads.node')
      .select('threads.id')
      .distinct()
      .where(IS_UNFINISHED)
      .where((where) => where.or([where('nodes.id', 'is', null), where('nodes.state', '=', 'lost')]))
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Those of the threads that another node has. */
  async heldElsewhere(ids: readonly string[], node: string): Promise<readonly string[]> {
    const held: string[] = [];
    for (let index = 0; index < ids.length; index += ID_BATCH_SIZE) {
      const query = this.database.kysely.selectFrom('threads').select('id').where('node', '!=', node);
      const rows = await query.where('id', 'in', ids.slice(index, index + ID_BATCH_SIZE)).execute();
      held.push(...rows.map(({ id }) => id));
    }
    return held;
  }

  /** Removes the thread if it never had a turn. False when it has one, or there is no such thread. */
  async removeUnstarted(id: string): Promise<boolean> {
    const turns = this.database.kysely.selectFrom('turns').select('id').where('thread_id', '=', id);
    const query = this.database.kysely.deleteFrom('threads').where('id', '=', id);
    const result = await query
      .where('turn_count', '=', 0)
      .where((where) => where.not(where.exists(turns)))
      .executeTakeFirst();
    return result.numDeletedRows > 0n;
  }

  /**
   * Removes the thread with its turns and their events. False when there is no such thread.
   *
   * @param actor who asked for it, for the audit log; absent for the server itself.
   */
  remove(id: string, actor?: string): Promise<boolean> {
    return this.database.transaction(async (transaction) => {
      const row = await transaction
        .deleteFrom('threads')
        .where('id', '=', id)
        .returning(['tenant', 'key'])
        .executeTakeFirst();
      if (row === undefined) return false;
      if (actor !== undefined) {
        const about = { tenant: row.tenant, keyId: undefined, details: { thread_key: row.key } };
        await recordAudit(transaction, { at: this.database.clock.now(), actor, action: 'thread.remove', ...about });
      }
      return true;
    });
  }
}
