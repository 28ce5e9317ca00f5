import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** What turns used, and whom a turn is billed to. */
export const usage: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('turns').addColumn('key_id', 'text').execute();
    await database.schema.alterTable('turns').addColumn('user_id', 'text').execute();
    await createUsage(database);
  },
};

/** Without a reference to `turns`: what was used is billed, also when its thread is removed. */
async function createUsage(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('usage')
    .addColumn('turn_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('tenant', 'text', (column) => column.notNull())
    .addColumn('key_id', 'text')
    .addColumn('user_id', 'text')
    .addColumn('harness', 'text', (column) => column.notNull())
    .addColumn('model', 'text', (column) => column.notNull())
    .addColumn('day', 'text', (column) => column.notNull())
    .addColumn('input_tokens', 'bigint', (column) => column.notNull())
    .addColumn('output_tokens', 'bigint', (column) => column.notNull())
    .addColumn('cache_read_tokens', 'bigint', (column) => column.notNull())
    .addColumn('cache_creation_tokens', 'bigint', (column) => column.notNull())
    .addColumn('cost_micros', 'bigint')
    .execute();
  await database.schema.createIndex('usage_tenant_day').on('usage').columns(['tenant', 'day']).execute();
  await database.schema.createIndex('usage_key_day').on('usage').columns(['key_id', 'day']).execute();
  await database.schema.createIndex('usage_day').on('usage').column('day').execute();
}
