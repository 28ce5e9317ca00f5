// Over 250 lines: all routes of tenants, keys and the audit log, by the same calls.
import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { COMMAND_LINE } from '../../src/storage/stores/audit.store.js';
import { KeyStore, type KeyRole, type MadeKey } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { eventually } from '../support/eventually.js';
import { ApiDocument } from '../support/openapi.js';
import { ask, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const CONFIGURED = 'key-of-alice-that-is-long-enough';

let app: TestApp;
let document: ApiDocument;
let admin: MadeKey;
let user: MadeKey;
/** A name of a tenant for each test. */
let name = '';
let count = 0;

beforeAll(async () => {
  const apiKeys = [{ name: 'alice', sha256: createHash('sha256').update(CONFIGURED).digest() }];
  app = await startTestApp({ apiKeys });
  app.harness.onRun = (run) => run.answer('fine');
  document = await ApiDocument.of(app.url);
  await app.app.get(TenantStore).create('ops', COMMAND_LINE);
  admin = await make('admin');
  user = await make('user');
});

afterAll(() => app.close());

beforeEach(() => {
  count += 1;
  name = `team-${count}`;
});

async function make(role: KeyRole): Promise<MadeKey> {
  const made = await app.app.get(KeyStore).create({ tenant: 'ops', role }, COMMAND_LINE);
  if (made === undefined) throw new Error('no key was made');
  return made;
}

/** Makes one call with the admin key, or another one, and holds its answer against the document. */
async function call(
  id: string,
  values: {
    readonly path?: string;
    readonly query?: Readonly<Record<string, string>>;
    readonly body?: object | string;
    readonly key?: string;
  } = {},
): Promise<supertest.Response> {
  const operation = document.operations.find((one) => one.id === id);
  const { path = '', query = {}, body, key = admin.secret } = values;
  const method = operation?.method;
  if (operation === undefined || (method !== 'get' && method !== 'put' && method !== 'post' && method !== 'delete'))
    throw new Error(id);
  const url = operation.path.replace(/\{\w+\}/, encodeURIComponent(path));
  const request = supertest(app.url)[method](url).query(query).set('authorization', `Bearer ${key}`);
  if (body !== undefined) void request.set('content-type', 'application/json').send(body);
  const response = await request;
  expect(document.differences(id, response)).toEqual([]);
  return response;
}

const createTenant = () => call('createTenant', { body: { name } });
const createKey = async (more: object = {}): Promise<Readonly<Record<string, string>>> => {
  const { body, status } = await call('createKey', { body: { tenant: name, ...more } });
  expect(status).toBe(201);
  return body as Readonly<Record<string, string>>;
};
const audit = async (): Promise<readonly Readonly<Record<string, unknown>>[]> =>
  (await call('listAuditEntries', { query: { limit: '500' } })).body.data;
const post = (key: string, path: string) =>
  supertest(app.url).post('/v1/messages').set('x-api-key', key).set(thread(path)).send(ask('hi'));

describe('tenants', () => {
  it('are made once, and listed by name', async () => {
    const made = await createTenant();
    expect([made.status, made.body]).toEqual([201, { name, created_at: expect.any(String), threads: 0 }]);
    const again = await createTenant();
    expect([again.status, again.headers['x-should-retry']]).toEqual([409, 'false']);
    expect((await call('listTenants')).body.data).toContainEqual(made.body);
  });

  it.each([
    [{}],
    [{ name: '' }],
    [{ name: 'a b' }],
    [{ name: 'a/b' }],
    [{ name: 7 }],
    [{ name: 'x'.repeat(101) }],
    ['{'],
    [[]],
  ])('are not made from %j', async (body) => {
    const { status, body: answer } = await call('createTenant', { body });
    expect([status, answer.error.type]).toEqual([400, 'invalid_request_error']);
  });

  it('are removed with their keys, but not with threads unless these are to be kept', async () => {
    await createTenant();
    const { id, key = '' } = await createKey();
    await post(key, name).expect(200);
    expect((await call('removeTenant', { path: name, query: { threads: 'drop' } })).status).toBe(400);
    const refused = await call('removeTenant', { path: name });
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining('has threads (1)')]);
    await post(key, name).expect(200);
    const { status, body } = await call('removeTenant', { path: name, query: { threads: 'keep' } });
    expect([status, body]).toEqual([200, { name, removed: true, threads: 1, revoked_keys: 1 }]);
    await post(key, name).expect(401);
    expect((await call('removeTenant', { path: name })).status).toBe(404);
    expect((await audit()).slice(0, 2)).toMatchObject([
      { action: 'tenant.remove', tenant: name, actor: admin.key.id, details: { threads: 1, revoked_keys: 1 } },
      { action: 'key.revoke', key_id: id, actor: admin.key.id },
    ]);
  });
});

describe('keys', () => {
  it('are shown once, when they are made, and work at once', async () => {
    await createTenant();
    const made = await call('createKey', { body: { tenant: name, name: 'nightly build', expires_at: '2999-01-31' } });
    expect(made.headers['cache-control']).toBe('no-store');
    const { key, ...rest } = made.body as Readonly<Record<string, string>>;
    expect(key).toMatch(/^chiron_[\w-]{43}$/);
    expect(rest).toMatchObject({ tenant: name, name: 'nightly build', role: 'user', state: 'active' });
    expect(rest).toMatchObject({ expires_at: '2999-01-31T00:00:00.000Z', last_used_at: null, revoked_at: null });
    await post(String(key), 'works').expect(200);
    const lists = [await call('listKeys'), await call('listKeys', { query: { tenant: name } })];
    for (const { text, body } of lists) {
      expect(body.data).toContainEqual({ ...rest, last_used_at: expect.any(String) });
      expect(text).not.toContain(String(key).slice('chiron_'.length));
    }
    expect(lists[1]?.body.data).toHaveLength(1);
    expect(JSON.stringify(await audit())).not.toContain(String(key).slice('chiron_'.length));
  });

  it('are revoked at once, and stay listed', async () => {
    await createTenant();
    const { id = '', key = '' } = await createKey();
    const { body, status } = await call('revokeKey', { path: id });
    expect([status, body.state]).toEqual([200, 'revoked']);
    await post(key, 'revoked').expect(401);
    const entries = (await audit()).length;
    expect((await call('revokeKey', { path: id })).body).toMatchObject({
      state: 'revoked',
      revoked_at: body.revoked_at,
    });
    expect(await audit()).toHaveLength(entries);
    expect((await call('listKeys', { query: { tenant: name } })).body.data).toMatchObject([{ id, state: 'revoked' }]);
    expect((await call('revokeKey', { path: 'key_unknown' })).status).toBe(404);
  });

  it('of administrators make further ones, for the audit log by name', async () => {
    await createTenant();
    const { id, key = '' } = await createKey({ role: 'admin' });
    const { status } = await call('createKey', { key, body: { tenant: 'ops' } });
    expect(status).toBe(201);
    expect((await audit())[0]).toMatchObject({ action: 'key.create', actor: id, tenant: 'ops' });
  });

  it.each([
    [{ tenant: 'nobody' }, 404],
    [{}, 400],
    [{ tenant: 'ops', role: 'root' }, 400],
    [{ tenant: 'ops', name: '' }, 400],
    [{ tenant: 'ops', name: 'a\nb' }, 400],
    [{ tenant: 'ops', expires_at: '2001-01-01' }, 400],
    [{ tenant: 'ops', expires_at: 'soon' }, 400],
    // Ignored, it would make a key that never expires.
    [{ tenant: 'ops', expires: '2999-01-01' }, 400],
  ])('are not made from %j', async (body, status) => {
    const before = (await call('listKeys')).body.data.length;
    expect((await call('createKey', { body })).status).toBe(status);
    expect((await call('listKeys')).body.data).toHaveLength(before);
  });
});

describe('the audit log', () => {
  it('names who interrupted turns and removed threads, of all keys', async () => {
    const { onRun } = app.harness;
    app.harness.onRun = (run) => run.text('Working …');
    const post = async (key: string, thing: string): Promise<void> => {
      const body = { ...ask('work'), stream: true };
      const runs = app.harness.runs.length;
      void supertest(app.url)
        .post('/v1/messages')
        .set({ 'x-api-key': key, ...thread(`${name}-${thing}`) })
        .send(body)
        .then(() => undefined);
      await eventually(() => app.harness.runs.length).toBe(runs + 1);
    };
    const control = (key: string, method: 'post' | 'delete', thing: string, path = '') => {
      const url = `/api/session/${encodeURIComponent(`test:${name}-${thing}`)}${path}`;
      return supertest(app.url)[method](url).set('x-api-key', key).expect(200);
    };
    const actions = async () =>
      (await audit())
        .filter(({ details }) => JSON.stringify(details).includes(`"test:${name}-`))
        .map(({ action, actor, tenant, details }) => [action, actor, tenant, Object.keys(Object(details))]);
    await post(user.secret, 'stops');
    await control(user.secret, 'post', 'stops', '/interrupt');
    await eventually(() => app.harness.runs.at(-1)?.interrupted).toBe(true);
    // There is nothing to interrupt any more.
    app.harness.runs.at(-1)?.answer('stopped');
    await eventually(async () => (await control(user.secret, 'post', 'stops', '/interrupt')).body.interrupted).toBe(
      false,
    );
    await post(CONFIGURED, 'goes');
    await control(CONFIGURED, 'delete', 'goes');
    app.harness.onRun = onRun;
    expect(await actions()).toEqual([
      ['thread.remove', 'settings:alice', 'alice', ['thread_key']],
      ['turn.interrupt', user.key.id, 'ops', ['thread_key', 'turn_id']],
    ]);
  });

  it('names who cancelled a message', async () => {
    const { onRun } = app.harness;
    app.harness.onRun = (run) => run.text('Working …');
    const headers = { 'x-api-key': user.secret, ...thread(`${name}-message`) };
    const client = SseClient.post(app.url, { ...ask('work'), stream: true }, headers);
    await eventually(() => client.messageId).toMatch(/^msg_/);
    await supertest(app.url).post(`/v1/messages/${client.messageId}/cancel`).set('x-api-key', user.secret).expect(200);
    app.harness.onRun = onRun;
    expect((await audit())[0]).toMatchObject({ action: 'turn.interrupt', actor: user.key.id, tenant: 'ops' });
  });

  it('is read page by page', async () => {
    await createTenant();
    for (const key of ['one', 'two', 'three']) await createKey({ name: key });
    const whole = await audit();
    const pages: unknown[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await call('listAuditEntries', { query: { limit: '3', cursor } });
      pages.push(...(body.data as readonly unknown[]));
      cursor = body.next_cursor as string | null;
    }
    expect(pages).toEqual(whole);
    expect(whole.length).toBeGreaterThan(4);
  });

  it.each([{ limit: '0' }, { limit: '501' }, { limit: 'all' }, { cursor: 'x' }])('has no page %j', async (query) => {
    expect((await call('listAuditEntries', { query })).status).toBe(400);
  });
});

describe('every admin route', () => {
  const routes = () => document.operations.filter(({ path }) => path.startsWith('/api/admin/'));

  it('is closed to keys that are no admin keys, and to callers without one', async () => {
    expect(routes()).toHaveLength(16);
    for (const { id } of routes()) {
      for (const key of [user.secret, CONFIGURED]) {
        const { status, body } = await call(id, { key, path: 'ops', body: { name, tenant: 'ops' } });
        const error = { type: 'permission_error', message: 'This route needs an admin key.' };
        expect([id, status, body.error]).toEqual([id, 403, error]);
      }
      expect([id, (await call(id, { key: 'wrong', path: 'ops' })).status]).toEqual([id, 401]);
    }
    expect((await call('listTenants')).body.data).toHaveLength((await app.app.get(TenantStore).list()).length);
  });

  it('is closed on a server that needs no keys', async () => {
    const open = await startTestApp();
    try {
      await supertest(open.url).get('/api/admin/keys').expect(403);
      await supertest(open.url).post('/api/admin/tenants').send({ name: 'x' }).expect(403);
    } finally {
      await open.close();
    }
  });
});
