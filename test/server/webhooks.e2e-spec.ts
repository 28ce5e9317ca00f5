// Over 250 lines: one receiver, and everything that a deployment or a tenant is told.
import { createHash } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import supertest from 'supertest';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Database } from '../../src/storage/database/database.js';
import { KeyStore } from '../../src/storage/stores/key.store.js';
import { PolicyStore } from '../../src/storage/stores/policy.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { createWebhookSecret } from '../../src/storage/stores/webhook.store.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import { type ReceivedWebhook, startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver.js';

const ALICE = 'key-of-alice-that-is-long-enough';
const BOB = 'key-of-bob-that-is-long-enough-too';
const SECRET = createWebhookSecret();
const apiKeys = [
  { name: 'alice', sha256: createHash('sha256').update(ALICE).digest() },
  { name: 'bob', sha256: createHash('sha256').update(BOB).digest() },
];

let receiver: WebhookReceiver;
let app: TestApp;

beforeEach(async () => {
  receiver = await startWebhookReceiver();
});

afterEach(async () => {
  await app.close();
  await receiver.close();
});

/** A server whose own webhook, unless told otherwise, is `/all` of the receiver. */
async function start(settings: TestSettings = {}): Promise<void> {
  app = await startTestApp({ apiKeys, webhookUrl: `${receiver.url}/all`, webhookSecret: SECRET, ...settings });
  app.harness.onRun = (run) => run.answer('a secret answer');
}

const post = (
  name: string,
  { key = ALICE, ...more }: { readonly key?: string; readonly [field: string]: unknown } = {},
) =>
  supertest(app.url)
    .post('/v1/messages')
    .set({ 'x-api-key': key, ...thread(name) })
    .send(ask('a secret prompt', more));

/** The address of a tenant, set with an admin key. Resolves to its secret. */
async function setWebhook(tenant: string, url: string): Promise<string> {
  await app.app.get(TenantStore).create(tenant, 'cli');
  await app.app.get(TenantStore).create('ops', 'cli');
  const admin = await app.app.get(KeyStore).create({ tenant: 'ops', role: 'admin' }, 'cli');
  const { body } = await supertest(app.url)
    .put(`/api/admin/tenants/${tenant}/webhook`)
    .set('x-api-key', admin?.secret ?? '')
    .send({ url })
    .expect(200);
  return String(body.secret);
}

const stored = () => app.app.get(Database).kysely.selectFrom('webhook_deliveries').selectAll().execute();
const dataOf = ({ body }: ReceivedWebhook) => JSON.parse(body).data;
const verify = ({ body, headers }: ReceivedWebhook, secret: string): unknown =>
  new Webhook(secret).verify(body, { ...headers });

describe('the webhook of a deployment', () => {
  it('is told of each turn that ends, signed, with nothing that was said', async () => {
    await start();
    const answer = await post('one').expect(200);
    await eventually(() => receiver.received.length).toBe(1);
    const [webhook] = receiver.received;
    if (webhook === undefined) throw new Error('unreachable');
    expect(verify(webhook, SECRET)).toEqual({
      type: 'turn.ended',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      data: {
        tenant: 'alice',
        thread_key: 'test:one',
        turn_id: expect.any(String),
        message_id: answer.body.id,
        state: 'completed',
        stop_reason: 'end_turn',
        failure: null,
        harness: 'claude-code',
        model: expect.any(String),
        usage: { input_tokens: 12, output_tokens: 5, cache_read_input_tokens: 100, cache_creation_input_tokens: 7 },
      },
    });
    expect(webhook.path).toBe('/all');
    expect(() => verify({ ...webhook, body: webhook.body.replace('alice', 'bob') }, SECRET)).toThrow('signature');
    expect(JSON.stringify(webhook)).not.toMatch(/a secret/);
    await eventually(stored).toEqual([]);
  });

  it('is told of turns that fail, are cancelled, or wait for tools of their caller', async () => {
    await start();
    app.harness.onRun = (run) => run.fail('billing');
    await post('fails').expect(500);
    app.harness.onRun = () => undefined;
    const cancelled = post('is cancelled').then((response) => response.status);
    await eventually(() => app.harness.runs.length).toBe(2);
    app.harness.runs.at(-1)?.interrupt();
    expect(await cancelled).toBe(200);
    app.harness.onRun = (run) =>
      run.finish([
        { type: 'caller-tool-call', id: 'toolu_1', name: 'look', input: {} },
        { type: 'turn-end', reason: 'tool_use' },
      ]);
    const tools = [{ name: 'look', input_schema: { type: 'object' } }];
    await post('waits', { tools }).expect(200);
    await eventually(() => receiver.received.length).toBe(3);
    const told = receiver.received.map((webhook) => {
      const { type, data } = JSON.parse(webhook.body);
      return [data.thread_key, type, data.state, data.stop_reason, data.failure];
    });
    expect(told.toSorted(([one], [other]) => String(one).localeCompare(String(other)))).toEqual([
      ['test:fails', 'turn.ended', 'failed', null, 'billing'],
      ['test:is cancelled', 'turn.ended', 'cancelled', null, null],
      ['test:waits', 'turn.requires_action', 'completed', 'tool_use', null],
    ]);
  });

  it('is told once of a budget that is spent, for the tenant and for the key', async () => {
    await start();
    await app.app.get(TenantStore).create('acme', 'cli');
    const key = await app.app.get(KeyStore).create({ tenant: 'acme', role: 'user' }, 'cli');
    const policies = app.app.get(PolicyStore);
    await policies.setOfTenant('acme', { tokens_per_day: 200 }, 'cli');
    await policies.setOfKey(key?.key.id ?? '', { tokens_per_day: 1000 }, 'cli');
    const told = () =>
      receiver.received.flatMap((webhook) => {
        const { type, data } = JSON.parse(webhook.body);
        return type === 'budget.reached' ? [data] : [];
      });
    await post('one', { key: key?.secret ?? '' }).expect(200);
    await post('two', { key: key?.secret ?? '' }).expect(200);
    await post('three', { key: key?.secret ?? '' }).expect(429);
    await policies.setOfTenant('acme', {}, 'cli');
    await policies.setOfKey(key?.key.id ?? '', { tokens_per_day: 372 }, 'cli');
    await post('four', { key: key?.secret ?? '' }).expect(200);
    await eventually(() => receiver.received.length).toBe(5);
    const ends = { period_ends_at: expect.stringMatching(/T00:00:00\.000Z$/) };
    expect(told()).toEqual([
      { tenant: 'acme', key_id: null, budget: 'tokens_per_day', allowed: 200, spent: 248, ...ends },
      { tenant: 'acme', key_id: key?.key.id, budget: 'tokens_per_day', allowed: 372, spent: 372, ...ends },
    ]);
    expect(receiver.received.map((webhook) => verify(webhook, SECRET))).toHaveLength(5);
  });

  it('gets a webhook again under the same id when it failed, also by a redirect', async () => {
    await start();
    receiver.answer = () => (receiver.received.length === 1 ? 307 : 204);
    await post('one').expect(200);
    await eventually(() => receiver.received.length).toBe(1);
    await eventually(async () => (await stored()).map(({ attempts }) => attempts)).toEqual([1]);
    // Instead of the pause of five seconds.
    await app.app.get(Database).kysely.updateTable('webhook_deliveries').set({ next_attempt_at: 0 }).execute();
    await post('two').expect(200);
    await eventually(() => receiver.received.length).toBe(3);
    const of = (name: string) => receiver.received.filter((webhook) => dataOf(webhook).thread_key === `test:${name}`);
    expect(new Set(of('one').map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(of('one').map(({ path }) => path)).toEqual(['/all', '/all']);
    await eventually(stored).toEqual([]);
  });

  it('gets no more of a webhook that it does not want', async () => {
    await start();
    receiver.answer = () => 410;
    await post('one').expect(200);
    await eventually(() => receiver.received.length).toBe(1);
    await eventually(stored).toEqual([]);
  });

  it('gets from the next server what was not delivered by the one before', async () => {
    await start();
    receiver.answer = () => undefined;
    await post('one').expect(200);
    await eventually(() => receiver.received.length).toBe(1);
    await app.close({ keepData: true });
    receiver.answer = () => 204;
    await start({ dataDirectory: app.dataDirectory });
    await eventually(() => receiver.received.length).toBe(2);
    expect(receiver.received[1]?.headers['webhook-id']).toBe(receiver.received[0]?.headers['webhook-id']);
    await eventually(stored).toEqual([]);
  });
});

describe('the webhook of a tenant', () => {
  it('is told of the turns of its tenant alone, signed with its own secret', async () => {
    await start({ webhookUrl: undefined, webhookSecret: undefined });
    const secret = await setWebhook('alice', `${receiver.url}/alice`);
    await post('of-bob', { key: BOB }).expect(200);
    await post('of-alice').expect(200);
    await eventually(() => receiver.received.length).toBe(1);
    const [webhook] = receiver.received;
    if (webhook === undefined) throw new Error('unreachable');
    expect([webhook.path, verify(webhook, secret)]).toMatchObject([
      '/alice',
      { data: { thread_key: 'test:of-alice' } },
    ]);
    await eventually(stored).toEqual([]);
  });

  it('is told beside that of the deployment, and holds up nobody when it does not answer', async () => {
    await start();
    await setWebhook('alice', `${receiver.url}/alice`);
    receiver.answer = ({ path }) => (path === '/alice' ? undefined : 204);
    // More than are sent at once.
    for (let index = 0; index < 25; index += 1) await post(`alice-${index}`).expect(200);
    await post('bob', { key: BOB }).expect(200);
    const told = () => receiver.received.filter(({ path, body }) => path === '/all' && body.includes('test:bob'));
    await eventually(() => told().length).toBe(1);
  });

  it('is told no more once it is removed', async () => {
    await start({ webhookUrl: undefined, webhookSecret: undefined });
    await setWebhook('alice', `${receiver.url}/alice`);
    const admin = await app.app.get(KeyStore).create({ tenant: 'ops', role: 'admin' }, 'cli');
    const requests = supertest(app.url);
    const call = (method: 'get' | 'delete', status: number) =>
      requests[method]('/api/admin/tenants/alice/webhook')
        .set('x-api-key', admin?.secret ?? '')
        .expect(status);
    expect((await call('get', 200)).body).toEqual({
      tenant: 'alice',
      url: `${receiver.url}/alice`,
      created_at: expect.any(String),
    });
    expect((await call('delete', 200)).body).toEqual({ tenant: 'alice', removed: true });
    await call('get', 404);
    await call('delete', 404);
    await post('one').expect(200);
    expect(await stored()).toEqual([]);
    expect(receiver.received).toEqual([]);
  });

  it.each(['hooks.example', 'ftp://hooks.example', 'https://user:word@hooks.example'])('cannot be %s', async (url) => {
    await start({ webhookUrl: undefined, webhookSecret: undefined });
    await setWebhook('alice', receiver.url);
    const admin = await app.app.get(KeyStore).create({ tenant: 'ops', role: 'admin' }, 'cli');
    const { body } = await supertest(app.url)
      .put('/api/admin/tenants/alice/webhook')
      .set('x-api-key', admin?.secret ?? '')
      .send({ url })
      .expect(400);
    expect(body.error).toEqual({
      type: 'invalid_request_error',
      message: expect.stringMatching(/^url: must be an http/),
    });
  });
});
