import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The first schema: threads, their turns, the turns' events, and the messages of the session API. */
export const threadsAndTurns: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await createThreads(database);
    await createTurns(database);
    await createTurnEvents(database);
    await createSessionMessages(database);
  },
};

async function createThreads(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('threads')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('tenant', 'text', (column) => column.notNull())
    .addColumn('key', 'text', (column) => column.notNull())
    .addColumn('harness', 'text', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('harness_model', 'text')
    .addColumn('system_prompt', 'text')
    .addColumn('session_id', 'text')
    .addColumn('state', 'text', (column) => column.notNull().check(sql`state in ('idle', 'running', 'failed')`))
    .addColumn('metadata', 'text', (column) => column.notNull())
    .addColumn('context_usage', 'text')
    .addColumn('turn_count', 'integer', (column) => column.notNull().defaultTo(0))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('threads_tenant_key', ['tenant', 'key'])
    .execute();
  await database.schema
    .createIndex('threads_tenant_updated')
    .on('threads')
    .columns(['tenant', 'updated_at', 'id'])
    .execute();
}

async function createTurns(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('turns')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('message_id', 'text', (column) => column.notNull().unique())
    .addColumn('thread_id', 'text', (column) => column.notNull().references('threads.id').onDelete('cascade'))
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('state', 'text', (column) =>
      column.notNull().check(sql`state in ('queued', 'running', 'completed', 'failed', 'cancelled')`),
    )
    .addColumn('request_key', 'text', (column) => column.notNull())
    .addColumn('idempotency_key', 'text')
    .addColumn('caller', 'text', (column) => column.notNull())
    .addColumn('prompt', 'text', (column) => column.notNull())
    .addColumn('request', 'text', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('owner', 'text')
    .addColumn('lease_expires_at', 'bigint')
    .addColumn('stop_reason', 'text')
    .addColumn('usage', 'text')
    .addColumn('failure', 'text')
    .addColumn('message', 'text')
    .addColumn('delivered_at', 'bigint')
    .addColumn('events_pruned_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('started_at', 'bigint')
    .addColumn('ended_at', 'bigint')
    // Also serves "newest turns of a thread": databases read an index in both directions.
    .addUniqueConstraint('turns_thread_sequence', ['thread_id', 'sequence'])
    .execute();
  await database.schema
    .createIndex('turns_one_running')
    .unique()
    .on('turns')
    .column('thread_id')
    .where(sql.ref('state'), '=', sql.lit('running'))
    .execute();
  await database.schema
    .createIndex('turns_thread_idempotency')
    .unique()
    .on('turns')
    .columns(['thread_id', 'idempotency_key'])
    .where(sql.ref('idempotency_key'), 'is not', sql.lit(null))
    .execute();
  await database.schema.createIndex('turns_state').on('turns').columns(['state', 'created_at']).execute();
  await database.schema.createIndex('turns_request').on('turns').columns(['request_key', 'created_at']).execute();
  await database.schema
    .createIndex('turns_to_prune')
    .on('turns')
    .column('ended_at')
    .where(sql.ref('events_pruned_at'), 'is', sql.lit(null))
    .execute();
}

async function createTurnEvents(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('turn_events')
    .addColumn('turn_id', 'text', (column) => column.notNull().references('turns.id').onDelete('cascade'))
    .addColumn('sequence', 'integer', (column) => column.notNull())
    .addColumn('attempt', 'integer', (column) => column.notNull())
    .addColumn('first_index', 'integer', (column) => column.notNull())
    .addColumn('events', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('turn_events_pk', ['turn_id', 'sequence'])
    .execute();
}

async function createSessionMessages(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('session_messages')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('thread_id', 'text', (column) => column.notNull().references('threads.id').onDelete('cascade'))
    .addColumn('client_message_id', 'text')
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('parts', 'text', (column) => column.notNull())
    .addColumn('metadata', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  await database.schema
    .createIndex('session_messages_client')
    .unique()
    .on('session_messages')
    .columns(['thread_id', 'client_message_id'])
    .where(sql.ref('client_message_id'), 'is not', sql.lit(null))
    .execute();
  await database.schema
    .createIndex('session_messages_thread')
    .on('session_messages')
    .columns(['thread_id', 'created_at', 'id'])
    .execute();
}
