import { type Kysely, sql, type Transaction } from 'kysely';
import type { PolicySubject } from '../../domain/policy/policy.js';
import type { Tables, ThreadTable, TurnTable } from '../database/tables.js';
import { parseEnum } from './turn.js';

/**
 * The condition of a turn that runs or waits, for the table `turns`. In the words of the index `turns_unfinished`, without parameters: SQLite would not
 * see that it may use the index.
 */
export const IS_UNFINISHED = sql<boolean>`turns.state in ('queued', 'running')`;

/** A turn that runs or waits, with its thread and the server that has it. */
export interface UnfinishedTurn {
  readonly id: string;
  readonly tenant: string;
  readonly threadKey: string;
  readonly harness: string;
  readonly state: 'queued' | 'running';
  readonly attempt: number;
  /** The node of its thread; `undefined` for none, and with SQLite. */
  readonly node: string | undefined;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
}

/** Counts the turns of a tenant or a key that run or wait, without those of `except`. */
export async function countUnfinishedTurns(
  executor: Kysely<Tables>,
  subject: PolicySubject,
  except: readonly string[] = [],
): Promise<number> {
  let query = executor.selectFrom('turns').where(IS_UNFINISHED);
  if (except.length > 0) query = query.where('turns.id', 'not in', except);
  if (subject.kind === 'key') query = query.where('turns.key_id', '=', subject.keyId);
  else {
    // Not by the threads of the tenant, which are far more than the turns that run or wait.
    query = query.where((where) =>
      where.exists(
        where
          .selectFrom('threads')
          .select('threads.id')
          .whereRef('threads.id', '=', 'turns.thread_id')
          .where('threads.tenant', '=', subject.tenant),
      ),
    );
  }
  const row = await query.select((select) => select.fn.countAll<number>().as('turns')).executeTakeFirstOrThrow();
  return row.turns;
}

/**
 * Makes other transactions that do so for the same tenant or key wait until this one ends, on every server: what is counted afterwards
 * has all of their turns. A write that changes nothing, because SQLite has no `for update`.
 */
export async function lockPolicySubject(transaction: Transaction<Tables>, subject: PolicySubject): Promise<void> {
  if (subject.kind === 'key') {
    const keys = transaction.updateTable('api_keys').set((set) => ({ created_at: set.ref('created_at') }));
    await keys.where('id', '=', subject.keyId).execute();
    return;
  }
  const tenants = transaction.updateTable('tenants').set((set) => ({ created_at: set.ref('created_at') }));
  await tenants.where('name', '=', subject.tenant).execute();
}

/** The columns of an unfinished turn and of its thread. */
export type UnfinishedTurnRow = Pick<TurnTable, 'id' | 'state' | 'attempt' | 'created_at' | 'started_at'> &
  Pick<ThreadTable, 'tenant' | 'key' | 'harness' | 'node'>;

/** Converts a stored row. Throws for a state that is not one of an unfinished turn. */
export function toUnfinishedTurn(row: UnfinishedTurnRow): UnfinishedTurn {
  return {
    id: row.id,
    tenant: row.tenant,
    threadKey: row.key,
    harness: row.harness,
    state: parseEnum(['queued', 'running'], row.state, 'state of an unfinished turn'),
    attempt: row.attempt,
    node: row.node ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
  };
}
