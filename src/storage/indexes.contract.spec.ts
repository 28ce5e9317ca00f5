import { CompiledQuery, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newStore, type TestStore, testedKinds } from './__fixtures__/databases.js';
import { NodeSqliteDatabase } from './database/sqlite.js';
import { countUnfinishedTurns } from './stores/unfinished-turns.js';
import { UsageStore } from './stores/usage.store.js';

let store: TestStore;

/** What reads turns or usage by something else than the id of a turn or a thread. */
const READERS: readonly (readonly [name: string, index: string, read: () => Promise<unknown>])[] = [
  ['all unfinished turns', 'turns_unfinished', () => store.turns.unfinished()],
  ['the unfinished turns of a node', 'turns_unfinished', () => store.turns.unfinishedOf('a')],
  ['a list of unfinished turns', 'turns_unfinished', () => store.turns.listUnfinished(10)],
  ['threads without a server', 'turns_unfinished', () => store.threads.unplaced()],
  [
    'the number of unfinished turns of a key',
    'turns_unfinished',
    () => countUnfinishedTurns(store.database.kysely, { kind: 'key', keyId: 'a' }),
  ],
  [
    'the number of unfinished turns of a tenant',
    'turns_unfinished',
    () => countUnfinishedTurns(store.database.kysely, { kind: 'tenant', tenant: 'a' }),
  ],
  ['turns whose events are too old', 'turns_ended_to_prune', () => store.log.prune(1)],
  [
    'what a key has used',
    'usage_of_key',
    () => new UsageStore(store.database).sum({ keyId: 'a', from: '2026-01-01', to: '2026-01-31' }),
  ],
  [
    'what a tenant has used',
    'usage_tenant_day',
    () => new UsageStore(store.database).sum({ tenant: 'a', from: '2026-01-01', to: '2026-01-31' }),
  ],
  [
    'what was used on some days',
    'usage_day',
    () => new UsageStore(store.database).sum({ from: '2026-01-01', to: '2026-01-31' }),
  ],
];

describe('the statements on SQLite', () => {
  beforeAll(async () => {
    store = await newStore('sqlite');
  });
  afterAll(() => store.remove());

  it.each(READERS)('find %s by the index %s', async (_, index, read) => {
    const prepared = vi.spyOn(NodeSqliteDatabase.prototype, 'prepare');
    await read();
    const statements = prepared.mock.calls.map(([text]) => text).filter((text) => text.startsWith('select'));
    prepared.mockRestore();
    expect(statements).not.toEqual([]);
    for (const statement of statements) {
      const { rows } = await sql
        .raw<{ detail: string }>(`explain query plan ${statement}`)
        .execute(store.database.kysely);
      const plan = rows.map(({ detail }) => detail).join('\n');
      expect(plan).toContain(index);
    }
  });
});

describe.skipIf(!(await testedKinds()).includes('postgres'))(
  'the statements of the version before on PostgreSQL',
  () => {
    beforeAll(async () => {
      store = await newStore('postgres');
    });
    afterAll(() => store.remove());

    it.each([
      ['turns_unfinished', 'select id from turns where state in ($1, $2)', ['queued', 'running']],
      [
        'turns_unfinished',
        'select count(*) from turns where state in ($1, $2) and key_id = $3',
        ['queued', 'running', 'a'],
      ],
      ['turns_ended_to_prune', 'select id from turns where ended_at < $1 and events_pruned_at is null', [1]],
      ['usage_of_key', 'select count(*) from usage where key_id = $1 and day >= $2', ['a', '2026-01-01']],
    ])('can use the index %s: %s', async (index, statement, parameters) => {
      const plan = await store.database.transaction(async (transaction) => {
        // A table without rows is read faster than its index.
        await sql`set local enable_seqscan = off`.execute(transaction);
        const query = CompiledQuery.raw(`explain ${statement}`, parameters);
        return (await transaction.executeQuery<{ 'QUERY PLAN': string }>(query)).rows
          .map((row) => row['QUERY PLAN'])
          .join('\n');
      });
      expect(plan).toContain(index);
    });
  },
);
