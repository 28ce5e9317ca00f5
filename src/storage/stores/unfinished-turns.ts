import type { Kysely, Transaction } from 'kysely';
import type { PolicySubject } from '../../domain/policy/policy.js';
import type { Tables } from '../database/tables.js';

/** Counts the turns of a tenant or a key that run or wait, without those of `except`. */
export async function countUnfinishedTurns(
  executor: Kysely<Tables>,
  subject: PolicySubject,
  except: readonly string[] = [],
): Promise<number> {
  let query = executor.selectFrom('turns').where('turns.state', 'in', ['queued', 'running']);
  if (except.length > 0) query = query.where('turns.id', 'not in', except);
  if (subject.kind === 'key') query = query.where('turns.key_id', '=', subject.keyId);
  else {
    const threads = executor.selectFrom('threads').select('id').where('tenant', '=', subject.tenant);
    query = query.where('turns.thread_id', 'in', threads);
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
