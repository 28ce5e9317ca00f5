import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { Database } from '../../src/storage/database/database.js';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { PolicyStore } from '../../src/storage/stores/policy.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

// Not in `npm test`: two servers that are asked by many at once take most of the connections that PostgreSQL allows.
describe.runIf((await testedKinds()).includes('postgres'))('with two servers of one PostgreSQL, a policy', () => {
  let store: TestStore;
  let servers: readonly TestApp[];
  const folders: string[] = [];
  let key = '';

  beforeAll(async () => {
    store = await newStore('postgres');
    const { databaseUrl } = store.options;
    const start = (): Promise<TestApp> => {
      const dataDirectory = mkdtempSync(join(tmpdir(), 'chiron-policies-'));
      folders.push(dataDirectory);
      return startTestApp({ databaseUrl, dataDirectory, maxConcurrentTurns: 50 });
    };
    servers = [await start(), await start()];
    await new TenantStore(store.database).create('acme', 'cli');
    const made = await new KeyStore(store.database).create({ tenant: 'acme', role: 'user' }, 'cli');
    key = made?.secret ?? '';
  });

  afterAll(async () => {
    for (const server of servers) await server.close({ keepData: true });
    await store.remove();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  const urlOf = (index: number): string => servers[index % servers.length]?.url ?? '';
  const counts = async (): Promise<readonly number[]> => {
    const { kysely } = servers[0]?.app.get(Database) ?? store.database;
    const [threads, turns] = await Promise.all([
      kysely.selectFrom('threads').select('id').execute(),
      kysely.selectFrom('turns').select('id').where('state', 'in', ['queued', 'running']).execute(),
    ]);
    return [threads.length, turns.length];
  };

  it('lets as many turns run at the same time as it allows, of many requests to both at the same moment', async () => {
    await new PolicyStore(store.database).setOfTenant('acme', { concurrent_turns: 4 }, 'cli');
    const statuses: number[] = [];
    const all = Array.from({ length: 40 }, async (_, index) => {
      const request = supertest(urlOf(index))
        .post('/v1/messages')
        .set('x-api-key', key)
        .set(thread(`at-once-${index}`));
      statuses.push((await request.send(ask(`wait ${index}`))).status);
    });
    await vi.waitFor(() => expect(statuses).toHaveLength(36), { timeout: 30_000 });
    expect(new Set(statuses)).toEqual(new Set([429]));
    expect(await counts()).toEqual([4, 4]);
    const running = () => servers.flatMap(({ harness }) => harness.runs).filter(({ ended }) => !ended);
    await vi.waitFor(() => expect(running()).toHaveLength(4), { timeout: 30_000 });
    for (const run of running()) run.answer('done');
    await Promise.all(all);
    expect(statuses.filter((status) => status === 200)).toHaveLength(4);
  });

  it('lets as many requests through in a minute as it allows, of many to both at the same moment', async () => {
    await new PolicyStore(store.database).setOfTenant('acme', { requests_per_minute: 150 }, 'cli');
    const statuses = await Promise.all(
      Array.from(
        { length: 400 },
        async (_, index) => (await supertest(urlOf(index)).get('/v1/models').set('x-api-key', key)).status,
      ),
    );
    expect(statuses.filter((status) => status === 200)).toHaveLength(150);
    expect(statuses.filter((status) => status === 429)).toHaveLength(250);
  });
});
