import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/** Which messages of running turns have been answered: the turn's own request and each such message have a caller of their own. */
export const messageDeliveries: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    await database.schema.alterTable('session_messages').addColumn('delivered_at', 'bigint').execute();
    // Answers of the version before are taken for delivered: the same words again are another message.
    await sql`update session_messages set delivered_at = heard_at where heard_at is not null`.execute(database);
  },
};
