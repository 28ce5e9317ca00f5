import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The caller's tools and their calls, which turn heard a message of the session API, and what tells an edited history. */
export const callerTools: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('turns').addColumn('prompt_key', 'text').execute();
    await database.schema.alterTable('turns').addColumn('answers_turn', 'text').execute();
    await database.schema.alterTable('threads').addColumn('parked_turn', 'text').execute();
    await createToolSets(database);
    await createCallerToolCalls(database);
    await markHeardMessages(database);
  },
};

async function createToolSets(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('tool_sets')
    .addColumn('thread_id', 'text', (column) => column.notNull().references('threads.id').onDelete('cascade'))
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('tools', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('tool_sets_pk', ['thread_id', 'id'])
    .execute();
}

async function createCallerToolCalls(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('caller_tool_calls')
    .addColumn('turn_id', 'text', (column) => column.notNull().references('turns.id').onDelete('cascade'))
    .addColumn('id', 'text', (column) => column.notNull())
    .addColumn('thread_id', 'text', (column) => column.notNull().references('threads.id').onDelete('cascade'))
    .addColumn('position', 'integer', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('input', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('caller_tool_calls_pk', ['turn_id', 'id'])
    .execute();
  await database.schema
    .createIndex('caller_tool_calls_thread')
    .on('caller_tool_calls')
    .columns(['thread_id', 'id'])
    .execute();
}

/** Before this migration, a turn without `input_lines` got the messages since the turn before; messages before a turn were dropped. */
async function markHeardMessages(database: Kysely<unknown>): Promise<void> {
  await database.schema.alterTable('session_messages').addColumn('turn_id', 'text').execute();
  await database.schema.alterTable('session_messages').addColumn('heard_at', 'bigint').execute();
  await database.schema
    .createIndex('session_messages_unheard')
    .on('session_messages')
    .column('thread_id')
    .where(sql.ref('heard_at'), 'is', sql.lit(null))
    .execute();
  await sql`
    update session_messages set heard_at = created_at
    where created_at <= (select max(turns.created_at) from turns where turns.thread_id = session_messages.thread_id)
  `.execute(database);
}
