import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Where the files of a thread can be fetched from, and how often the thread has been given to another server. */
export const snapshots: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('threads').addColumn('snapshot', 'text').execute();
    await database.schema
      .alterTable('threads')
      .addColumn('generation', 'integer', (column) => column.notNull().defaultTo(0))
      .execute();
  },
};
