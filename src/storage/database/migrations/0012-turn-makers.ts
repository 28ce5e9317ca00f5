import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Who made a turn, where several clients share a thread: one that was away does not know the turns of the others. */
export const turnMakers: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('turns').addColumn('maker', 'text').execute();
  },
};
