import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** When a caller deleted the response of a turn: the turn stays, as the thread has it. */
export const deletedResponses: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('turns').addColumn('response_deleted_at', 'bigint').execute();
  },
};
