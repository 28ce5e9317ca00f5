import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import type { ListedThread } from '../../src/sessions/dto/listed-thread.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { runChiron } from './run-chiron.js';

vi.setConfig({ testTimeout: 60_000 });

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = (run) => run.answer('fine');
  for (const tenant of ['team-a', 'team-b']) {
    await app.app.get(TenantStore).create(tenant, 'cli');
    const made = await app.app.get(KeyStore).create({ tenant, role: 'user' }, 'cli');
    for (const name of ['one', 'two_2']) {
      const headers = { ...thread(`${tenant}:${name}`), 'x-api-key': made?.secret ?? '' };
      await supertest(app.url).post('/v1/messages').set(headers).send(ask('hi')).expect(200);
    }
  }
});

afterAll(() => app.close());

const chiron = (...args: readonly string[]) =>
  runChiron(app.dataDirectory, ['threads', ...args], { CHIRON_DATA_DIR: app.dataDirectory });

async function list(...args: readonly string[]): Promise<readonly ListedThread[]> {
  const { status, stdout, stderr } = await chiron(...args, '--json');
  expect([status, stderr]).toEqual([0, '']);
  return JSON.parse(stdout) as readonly ListedThread[];
}

describe('chiron threads', () => {
  it('lists the threads of all tenants while the server runs, last changed first', async () => {
    const listed = await list();
    expect(listed.map(({ tenant, thread_key }) => `${tenant} ${thread_key}`)).toEqual([
      'team-b test:team-b:two_2',
      'team-b test:team-b:one',
      'team-a test:team-a:two_2',
      'team-a test:team-a:one',
    ]);
    expect(listed[0]).toMatchObject({ harness: 'claude-code', status: 'idle', turn_count: 1 });
    expect(Date.parse(listed[0]?.updated_at ?? '')).toBeGreaterThan(0);
  });

  it('lists those of a tenant, with a text in their key, and as many as are asked for', async () => {
    const keysOf = async (...args: readonly string[]) => (await list(...args)).map(({ thread_key }) => thread_key);
    expect(await keysOf('--tenant', 'team-a')).toEqual(['test:team-a:two_2', 'test:team-a:one']);
    expect(await keysOf('--search', 'TWO_')).toEqual(['test:team-b:two_2', 'test:team-a:two_2']);
    expect(await keysOf('--limit', '1')).toEqual(['test:team-b:two_2']);
    expect(await keysOf('--tenant', 'nobody')).toEqual([]);
  });

  it('prints a table, and refuses a limit that is none', async () => {
    const { status, stdout } = await chiron('--tenant', 'team-a');
    expect([status, stdout]).toEqual([
      0,
      expect.stringMatching(/thread +tenant +harness +state +turns +last activity/),
    ]);
    expect(stdout).toContain('team-a:one');
    const refused = await chiron('--limit', '0');
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('limit must be a number from 1 to 1000');
  });
});
