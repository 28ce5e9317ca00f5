import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** The files that callers have uploaded, which turns need them, and their bytes where nothing else is common to all servers. */
export const files: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema
      .createTable('files')
      .addColumn('id', 'text', (column) => column.primaryKey().notNull())
      .addColumn('tenant', 'text', (column) => column.notNull())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('media_type', 'text', (column) => column.notNull())
      .addColumn('purpose', 'text')
      .addColumn('size', 'bigint', (column) => column.notNull())
      .addColumn('place', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint')
      .execute();
    await database.schema.createIndex('files_of_tenant').on('files').columns(['tenant', 'id']).execute();
    await database.schema.createIndex('files_by_state').on('files').columns(['state', 'created_at']).execute();
    await database.schema
      .createTable('turn_files')
      .addColumn('turn_id', 'text', (column) => column.notNull().references('turns.id').onDelete('cascade'))
      .addColumn('file_id', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('turn_files_key', ['turn_id', 'file_id'])
      .execute();
    await database.schema.createIndex('turn_files_of_file').on('turn_files').column('file_id').execute();
    await database.schema
      .createTable('file_chunks')
      .addColumn('file_id', 'text', (column) => column.notNull())
      .addColumn('number', 'integer', (column) => column.notNull())
      // SQLite keeps bytes as they are in a column of any type.
      .addColumn('bytes', 'bytea', (column) => column.notNull())
      .addPrimaryKeyConstraint('file_chunks_key', ['file_id', 'number'])
      .execute();
  },
};
