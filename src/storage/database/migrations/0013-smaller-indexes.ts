import { sql, type Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * Indexes with only those rows that are looked for by them: every turn writes each index that has its row, once more for each change. Their statements,
 * and those of the version before, find the same rows by the new ones.
 */
export const smallerIndexes: Migration = {
  async up(database: Kysely<unknown>): Promise<void> {
    const { schema } = database;
    // Instead of all turns by their state, and by their key and state: only unfinished ones are looked for, and there are few.
    await schema
      .createIndex('turns_unfinished')
      .on('turns')
      .column('key_id')
      .where(sql.ref('state'), 'in', sql`('queued', 'running')`)
      .execute();
    await schema.dropIndex('turns_state').execute();
    await schema.dropIndex('turns_key_state').execute();
    // Instead of one that has unfinished turns, too.
    await schema
      .createIndex('turns_ended_to_prune')
      .on('turns')
      .column('ended_at')
      .where(sql.ref('events_pruned_at'), 'is', sql.lit(null))
      .where(sql.ref('ended_at'), 'is not', sql.lit(null))
      .execute();
    await schema.dropIndex('turns_to_prune').execute();
    // Instead of one that has turns without a key, too.
    await schema
      .createIndex('usage_of_key')
      .on('usage')
      .columns(['key_id', 'day'])
      .where(sql.ref('key_id'), 'is not', sql.lit(null))
      .execute();
    await schema.dropIndex('usage_key_day').execute();
  },
};
