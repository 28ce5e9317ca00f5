import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NodeView, UnfinishedTurnView } from '../../src/admin/node-views.js';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { KeyStore, type KeyRole } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { eventually } from '../support/eventually.js';
import { ApiDocument } from '../support/openapi.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const kinds = await testedKinds();

let store: TestStore;
let app: TestApp;
let document: ApiDocument;
let admin: string;

async function start(name: string, more: TestSettings = {}): Promise<TestApp> {
  const { databaseUrl, dataDirectory } = store.options;
  return startTestApp({
    databaseUrl,
    dataDirectory: databaseUrl === undefined ? dataDirectory : mkdtempSync(join(tmpdir(), `chiron-${name}-`)),
    nodeName: name,
    nodeTimeoutMs: 4000,
    maxConcurrentTurns: 1,
    ...more,
  });
}

async function makeKey(tenant: string, role: KeyRole): Promise<string> {
  await app.app.get(TenantStore).create(tenant, 'cli');
  return (await app.app.get(KeyStore).create({ tenant, role }, 'cli'))?.secret ?? '';
}

/** Has a turn run or wait for somebody who does not read the answer. */
const post = (server: TestApp, key: string, name: string, words = `secret words of ${name}`): void =>
  void supertest(server.url)
    .post('/v1/messages')
    .set({ 'x-api-key': key, ...thread(name) })
    .send(ask(words))
    .then(
      () => undefined,
      () => undefined,
    );

async function read(id: 'listNodes' | 'listUnfinishedTurns', query = ''): Promise<unknown> {
  const path = id === 'listNodes' ? 'nodes' : 'turns';
  const response = await supertest(app.url).get(`/api/admin/${path}${query}`).set('x-api-key', admin);
  expect(document.differences(id, response)).toEqual([]);
  expect(response.status).toBe(200);
  return response.body;
}

const nodes = async () => ((await read('listNodes')) as { readonly data: readonly NodeView[] }).data;
const turns = async (query = '') =>
  (await read('listUnfinishedTurns', query)) as {
    readonly data: readonly UnfinishedTurnView[];
    readonly total: number;
  };
const keysOf = (list: readonly UnfinishedTurnView[]) => list.map(({ thread_key }) => thread_key);

async function begin(kind: (typeof kinds)[number]): Promise<void> {
  store = await newStore(kind);
  app = await start('first');
  document = await ApiDocument.of(app.url);
  admin = await makeKey('ops', 'admin');
}

async function end(): Promise<void> {
  await app.close();
  await store.remove();
}

describe.each(kinds)('what runs where, on %s', (kind) => {
  beforeEach(() => begin(kind));
  afterEach(end);

  it('is this server with its load, and the turns of all tenants that run or wait, without a word of them', async () => {
    const [acme, umbrella] = [await makeKey('acme', 'user'), await makeKey('umbrella', 'user')];
    expect(await turns()).toEqual({ data: [], total: 0 });
    post(app, acme, 'runs');
    await eventually(() => app.harness.runs.length).toBe(1);
    post(app, umbrella, 'waits');
    await eventually(async () => (await turns()).total).toBe(2);
    post(app, acme, 'last');
    await eventually(async () => (await turns()).total).toBe(3);
    await eventually(async () => (await nodes()).map((node) => [node.running_turns, node.waiting_turns])).toEqual([
      [1, 2],
    ]);
    const [node] = await nodes();
    expect(node).toMatchObject({ name: 'first', role: 'all', state: 'up', slots: 1, is_disk_low: false });
    const { data } = await turns();
    expect(JSON.stringify(data)).not.toContain('secret words');
    const here = { harness: 'claude-code', node: node?.id };
    expect(data).toMatchObject([
      { tenant: 'acme', thread_key: 'test:runs', state: 'running', attempt: 1, ...here },
      { tenant: 'umbrella', thread_key: 'test:waits', state: 'queued', attempt: 0, started_at: null, ...here },
      { tenant: 'acme', thread_key: 'test:last', state: 'queued', ...here },
    ]);
    expect(Date.parse(String(data[0]?.started_at))).toBeGreaterThanOrEqual(Date.parse(String(node?.started_at)));
    const page = await turns('?limit=2');
    expect([keysOf(page.data), page.total]).toEqual([['test:runs', 'test:waits'], 3]);
    app.harness.onRun = (run) => run.answer('fine');
    app.harness.runs[0]?.answer('fine');
    await eventually(async () => (await turns()).total).toBe(0);
  });

  it('has no page of an impossible length', async () => {
    for (const limit of ['0', '501', 'all'])
      await supertest(app.url).get(`/api/admin/turns?limit=${limit}`).set('x-api-key', admin).expect(400);
  });

  it('says that a server is draining', async () => {
    await app.close({ keepData: true });
    app = await start('first', { drainMs: 60_000 });
    post(app, admin, 'last words');
    await eventually(() => app.harness.runs.length).toBe(1);
    const closing = app.app.close();
    await eventually(async () => (await nodes()).map(({ state }) => state)).toContain('draining');
    app.harness.runs[0]?.answer('fine');
    await closing;
  });
});

describe.runIf(kinds.includes('postgres'))('what runs where, on two servers', () => {
  beforeEach(() => begin('postgres'));
  afterEach(end);

  it('is each server with its turns, whichever is asked, and says which one was stopped', async () => {
    const second = await start('second');
    post(app, admin, 'one');
    await eventually(() => app.harness.runs.length).toBe(1);
    post(app, admin, 'one', 'afterwards');
    await eventually(async () => (await turns()).total).toBe(2);
    post(second, admin, 'two');
    await eventually(() => second.harness.runs.length).toBe(1);
    const names = new Map((await nodes()).map(({ id, name }) => [id, name]));
    const { data } = await turns();
    expect(data.map(({ thread_key, state, node }) => [thread_key, state, names.get(node ?? '')])).toEqual([
      ['test:one', 'running', 'first'],
      ['test:two', 'running', 'second'],
      ['test:one', 'queued', 'first'],
    ]);
    second.harness.runs[0]?.answer('fine');
    await eventually(async () => (await turns()).total).toBe(2);
    await second.close();
    rmSync(second.dataDirectory, { recursive: true, force: true });
    expect((await nodes()).map(({ name, state }) => [name, state])).toEqual([
      ['first', 'up'],
      ['second', 'stopped'],
    ]);
    app.harness.onRun = (run) => run.answer('fine');
    app.harness.runs[0]?.answer('fine');
    await eventually(async () => (await turns()).total).toBe(0);
  });
});
