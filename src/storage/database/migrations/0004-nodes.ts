import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The servers of one store, which of them has each thread's files, and interrupts of turns whose server cannot be reached. */
export const nodes: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('nodes')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('incarnation', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('role', 'text', (column) => column.notNull())
      .addColumn('url', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('up', 'draining', 'stopped', 'lost')`),
      )
      .addColumn('load', 'text', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .execute();
    await database.schema
      .createTable('cluster_secrets')
      .addColumn('name', 'text', (column) => column.primaryKey().notNull())
      .addColumn('secret', 'text', (column) => column.notNull())
      .execute();
    await database.schema.alterTable('threads').addColumn('node', 'text').execute();
    await database.schema.alterTable('turns').addColumn('interrupted_at', 'bigint').execute();
  },
};
