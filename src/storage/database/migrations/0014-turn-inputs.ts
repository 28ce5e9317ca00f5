import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * The inputs of turns that are too large for a row which SQLite writes again with each change of the turn. PostgreSQL has none here, so that servers of the
 * version before can go on beside.
 */
export const turnInputs: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('turn_inputs')
      // Stored before its turn.
      .addColumn('turn_id', 'text', (column) => column.notNull())
      .addColumn('number', 'integer', (column) => column.notNull())
      .addColumn('thread_id', 'text', (column) => column.notNull().references('threads.id').onDelete('cascade'))
      .addColumn('part', 'text', (column) => column.notNull())
      .addColumn('json', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('turn_inputs_key', ['turn_id', 'number'])
      .execute();
    await database.schema.createIndex('turn_inputs_of_thread').on('turn_inputs').column('thread_id').execute();
  },
};
