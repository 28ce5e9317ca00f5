import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KeyStore, type MadeKey, type NewKey } from '../../src/storage/stores/key.store.js';
import { TenantStore } from '../../src/storage/stores/tenant.store.js';
import { Database } from '../../src/storage/database/database.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

const CONFIGURED = 'key-of-alice-that-is-long-enough';
const apiKeys = [{ name: 'alice', sha256: createHash('sha256').update(CONFIGURED).digest() }];

let app: TestApp;

async function start(settings: TestSettings = {}): Promise<void> {
  app = await startTestApp(settings);
  app.harness.onRun = (run) => run.answer('fine');
}

async function make(changes: Partial<NewKey> = {}): Promise<MadeKey> {
  const key: NewKey = { tenant: 'acme', role: 'user', ...changes };
  await app.app.get(TenantStore).create(key.tenant, 'cli');
  const made = await app.app.get(KeyStore).create(key, 'cli');
  if (made === undefined) throw new Error('no key was made');
  return made;
}

const post = (headers: Readonly<Record<string, string>>, prompt = 'hi') =>
  supertest(app.url).post('/v1/messages').set(headers).send(ask(prompt));

const sessions = async (key: string): Promise<readonly string[]> => {
  const { body } = await supertest(app.url).get('/api/sessions').set('x-api-key', key).expect(200);
  return (body as { readonly sessions: readonly { readonly thread_key: string }[] }).sessions.map(
    ({ thread_key }) => thread_key,
  );
};

describe('a server with keys in its settings and in its store', () => {
  beforeAll(() => start({ apiKeys }));
  afterAll(() => app.close());

  it('lets in who has one of either, with the threads of its tenant', async () => {
    const { secret } = await make();
    await post({ 'x-api-key': CONFIGURED, ...thread('of-alice') }).expect(200);
    await post({ authorization: `Bearer ${secret}`, ...thread('of-acme') }).expect(200);
    await post({ 'x-api-key': 'placeholder', authorization: `Bearer ${secret}` }).expect(200);
    expect(await sessions(CONFIGURED)).toEqual(['test:of-alice']);
    expect(await sessions(secret)).toContain('test:of-acme');
    expect(await sessions(secret)).not.toContain('test:of-alice');
  });

  it('gives a tenant its threads under each of its keys, of both kinds', async () => {
    const { secret } = await make({ tenant: 'alice' });
    expect(await sessions(secret)).toContain('test:of-alice');
  });

  it('refuses wrong, revoked and expired keys in the same words', async () => {
    const revoked = await make();
    await app.app.get(KeyStore).revoke(revoked.key.id, 'cli');
    const expired = await make({ expiresAt: Date.now() - 1 });
    const unknown = `chiron_${'A'.repeat(43)}`;
    for (const key of [revoked.secret, expired.secret, unknown, 'wrong', revoked.key.id]) {
      const { body, headers } = await post({ 'x-api-key': key }).expect(401).expect('x-should-retry', 'false');
      expect(body).toEqual({
        type: 'error',
        error: { type: 'authentication_error', message: 'invalid x-api-key' },
        request_id: headers['request-id'],
      });
    }
  });

  it('refuses a key from the moment when it is revoked', async () => {
    const { key, secret } = await make();
    await post({ 'x-api-key': secret }).expect(200);
    await app.app.get(KeyStore).revoke(key.id, 'cli');
    await post({ 'x-api-key': secret }).expect(401);
  });

  it('stores when a key was used', async () => {
    const { key, secret } = await make();
    await post({ 'x-api-key': secret }).expect(200);
    const lastUse = async () => (await app.app.get(KeyStore).list()).find(({ id }) => id === key.id)?.lastUsedAt;
    await eventually(async () => Math.abs(((await lastUse()) ?? 0) - Date.now()) < 60_000).toBe(true);
  });

  it('says that the store fails, and not that the key is wrong, while it cannot be read', async () => {
    const { secret } = await make();
    const { kysely } = app.app.get(Database);
    await kysely.schema.alterTable('api_keys').renameTo('hidden').execute();
    try {
      const { text } = await post({ 'x-api-key': secret }).expect(503);
      expect(text).toContain('cannot check keys');
      await post({ 'x-api-key': CONFIGURED }).expect(200);
    } finally {
      await kysely.schema.alterTable('hidden').renameTo('api_keys').execute();
    }
    await post({ 'x-api-key': secret }).expect(200);
  });

  it('makes an address that tries many keys wait, and not the owner of a key behind it', async () => {
    const { secret } = await make();
    const guesses = Array.from({ length: 40 }, (_, index) => `chiron_${String(index).padStart(43, 'x')}`);
    const statuses = [];
    for (const key of guesses) statuses.push((await post({ 'x-api-key': key })).status);
    expect(statuses).toContain(429);
    await post({ 'x-api-key': secret }).expect(200);
  });
});

describe('a server without keys', () => {
  beforeAll(() => start());
  afterAll(() => app.close());

  it('needs one as soon as one is made in its store, and still does when that is revoked', async () => {
    await post({}).expect(200);
    await post({ 'x-api-key': 'none' }).expect(200);
    const { key, secret } = await make();
    await post({}).expect(401);
    await post({ 'x-api-key': 'none' }).expect(401);
    await post({ 'x-api-key': secret }).expect(200);
    await app.app.get(KeyStore).revoke(key.id, 'cli');
    await post({}).expect(401);
  });

  it('still does after a restart', async () => {
    const { dataDirectory } = app;
    await app.close({ keepData: true });
    await start({ dataDirectory });
    await post({}).expect(401);
  });
});
