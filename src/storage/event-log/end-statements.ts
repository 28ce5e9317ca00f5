import { sql } from 'kysely';
import { PreparedQuery } from '../database/prepared-query.js';
import type { ThreadTable, TurnTable } from '../database/tables.js';

/** Ends a running turn, if this attempt owns it; returns what else is to be written about it. */
export const END_TURN = new PreparedQuery(
  (
    kysely,
    {
      id,
      attempt,
      ...end
    }: Pick<TurnTable, 'id' | 'attempt' | 'stop_reason' | 'usage' | 'failure' | 'message'> & {
      readonly state: string;
      readonly ended_at: number;
    },
  ) =>
    kysely
      .updateTable('turns')
      .set({ ...end, lease_expires_at: null })
      .where('id', '=', id)
      .where('attempt', '=', attempt)
      .where('state', '=', sql.lit('running'))
      .returning(['thread_id', 'message_id', 'answers_turn', 'key_id', 'user_id']),
);

/** Counts a turn that has ended in its thread. What is `null` here stays as it is there. Returns what webhooks need. */
export const END_IN_THREAD = new PreparedQuery(
  (kysely, thread: Pick<ThreadTable, 'id' | 'state' | 'updated_at' | 'parked_turn' | 'session_id' | 'context_usage'>) =>
    kysely
      .updateTable('threads')
      .set((set) => ({
        state: thread.state,
        turn_count: set('turn_count', '+', 1),
        updated_at: thread.updated_at,
        parked_turn: set.fn.coalesce(set.val(thread.parked_turn), 'parked_turn'),
        session_id: set.fn.coalesce(set.val(thread.session_id), 'session_id'),
        context_usage: set.fn.coalesce(set.val(thread.context_usage), 'context_usage'),
      }))
      .where('id', '=', thread.id)
      .returning((select) => [
        'tenant',
        'key',
        'harness',
        'model',
        select
          .selectFrom('webhook_endpoints')
          .select('created_at')
          .whereRef('webhook_endpoints.tenant', '=', 'threads.tenant')
          .as('webhook'),
      ]),
);
