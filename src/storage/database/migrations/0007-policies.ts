import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What tenants and keys may do, and how many requests they have sent. */
export const policies: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('tenants').addColumn('policy', 'text').execute();
    await database.schema.alterTable('api_keys').addColumn('policy', 'text').execute();
    await database.schema
      .createTable('request_counts')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('points', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute();
    // To count the turns of a key that run or wait.
    await database.schema.createIndex('turns_key_state').on('turns').columns(['key_id', 'state']).execute();
  },
};
