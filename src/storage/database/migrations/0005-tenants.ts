import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Tenants and their keys, and who made or revoked them. */
export const tenants: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('tenants')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute();
    await createApiKeys(database);
    await database.schema
      .createTable('audit_log')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('actor', 'text', (column) => column.notNull())
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('key_id', 'text')
      .addColumn('details', 'text', (column) => column.notNull())
      .execute();
  },
};

/** Without a reference to `tenants`: the keys of a removed tenant stay, revoked, for whoever reads the audit log. */
async function createApiKeys(database: Kysely<unknown>): Promise<void> {
  await database.schema
    .createTable('api_keys')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('sha256', 'text', (column) => column.notNull().unique())
    .addColumn('tenant', 'text', (column) => column.notNull())
    .addColumn('name', 'text')
    .addColumn('role', 'text', (column) => column.notNull().check(sql`role in ('user', 'admin')`))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute();
  await database.schema.createIndex('api_keys_tenant').on('api_keys').columns(['tenant', 'created_at']).execute();
}
