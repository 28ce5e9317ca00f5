import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, converse } from '../support/requests.js';
import { ApiDocument } from '../support/openapi.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const ALICE = 'key-of-alice-that-is-long-enough';
const BOB = 'key-of-bob-that-is-long-enough';

const sha256 = (key: string): Buffer => createHash('sha256').update(key).digest();

describe('a server with keys', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp({
      apiKeys: [
        { name: 'alice', sha256: sha256(ALICE) },
        { name: 'bob', sha256: sha256(BOB) },
      ],
    });
    app.harness.onRun = (run) => run.answer('fine');
  });

  afterAll(() => app.close());

  const post = (headers: Readonly<Record<string, string>>, body: object = ask('hi')) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body);

  it.each([
    ['x-api-key', { 'x-api-key': ALICE }],
    ['Authorization: Bearer', { authorization: `Bearer ${ALICE}` }],
    ['a bearer in lower case', { authorization: `bearer ${ALICE}` }],
    ['both, the same', { 'x-api-key': BOB, authorization: `Bearer ${BOB}` }],
    ['a good one beside a placeholder', { 'x-api-key': 'placeholder', authorization: `Bearer ${BOB}` }],
  ])('lets in who shows one as %s', async (_, headers) => {
    await post(headers).expect(200);
  });

  it.each([
    ['no key', {}],
    ['a wrong key', { 'x-api-key': 'wrong' }],
    ['an empty key', { 'x-api-key': '' }],
    ['the beginning of a key', { 'x-api-key': ALICE.slice(0, -1) }],
    ['a key with something behind it', { 'x-api-key': `${ALICE}x` }],
    ['the name of a key', { 'x-api-key': 'alice' }],
    ['a name with its key, as it is configured', { 'x-api-key': `alice:${ALICE}` }],
    ['a bearer without a key', { authorization: 'Bearer ' }],
    ['another scheme', { authorization: `Basic ${ALICE}` }],
    ['the key without a scheme', { authorization: ALICE }],
    ['the digest of a key', { 'x-api-key': sha256(ALICE).toString('hex') }],
  ])('refuses %s, for good', async (_, headers) => {
    const runs = app.harness.runs.length;
    const response = await post(headers).expect(401).expect('x-should-retry', 'false');
    expect(response.body).toEqual({
      type: 'error',
      error: { type: 'authentication_error', message: 'invalid x-api-key' },
      request_id: response.headers['request-id'],
    });
    expect(app.harness.runs).toHaveLength(runs);
  });

  it('refuses before it reads the body', async () => {
    await supertest(app.url).post('/v1/messages').set('content-type', 'application/json').send('{').expect(401);
    await supertest(app.url).get('/v1/messages').expect(401);
    await supertest(app.url).post('/v1/messages/msg_1/cancel').expect(401);
  });

  it.each(['/healthz', '/readyz', '/', '/openapi.json', '/docs'])('shows %s to everybody', async (path) => {
    await supertest(app.url).get(path).expect(200);
    await supertest(app.url).head(path).expect(200);
  });

  it('closes every route to callers without a key but for those that its document says are open', async () => {
    const { operations } = await ApiDocument.of(app.url);
    expect(operations.length).toBeGreaterThan(1);
    for (const { method, path, object } of operations) {
      const { status } = await fetch(app.url + path.replaceAll(/\{\w+\}/g, 'x'), { method: method.toUpperCase() });
      const isOpen = Array.isArray(object['security']) && object['security'].length === 0;
      expect([method, path, status]).toEqual([method, path, isOpen ? 200 : 401]);
    }
  });

  it('gives the same session id under another key another thread', async () => {
    const session = { 'x-claude-code-session-id': 'shared' };
    const bodies = [
      converse(['hi', 'yes', 'who am I?']),
      converse(['hi', 'yes', 'who am I?'], { model: 'claude-other' }),
    ];
    const alice = await post({ ...session, 'x-api-key': ALICE }, bodies[0]).expect(200);
    const bob = await post({ ...session, 'x-api-key': BOB }, bodies[1]).expect(200);
    expect(alice.headers['x-chiron-thread-key']).toBe('api:claude:shared');
    expect(bob.headers['x-chiron-thread-key']).toBe('api:claude:shared');
    expect(alice.body).toMatchObject({ model: 'claude-opus-5-5' });
    expect(bob.body).toMatchObject({ model: 'claude-other' });
    expect(bob.body).not.toMatchObject({ id: (alice.body as { readonly id: string }).id });
    // Not the paths: inside of a sandbox, every thread's may be the same.
    const ids = app.harness.runsOf('who am I?').map(({ thread }) => thread.id);
    expect(new Set(ids).size).toBe(2);
  });

  it('does not give the answer to a request without a thread to another key', async () => {
    const retry = { 'idempotency-key': 'the same' };
    const alice = await post({ ...retry, 'x-api-key': ALICE }, ask('private')).expect(200);
    const again = await post({ ...retry, 'x-api-key': ALICE }, ask('private')).expect(200);
    const bob = await post({ ...retry, 'x-api-key': BOB }, ask('private')).expect(200);
    expect(again.body).toEqual(alice.body);
    expect(bob.body).not.toMatchObject({ id: (alice.body as { readonly id: string }).id });
  });

  it('does not let one key cancel the turns of another', async () => {
    const { body } = await post({ 'x-api-key': ALICE }, ask('mine')).expect(200);
    const path = `/v1/messages/${(body as { readonly id: string }).id}/cancel`;
    await supertest(app.url)
      .post(path)
      .set('x-api-key', BOB)
      .expect(404, /not_found_error/);
    await supertest(app.url).post(path).set('x-api-key', ALICE).expect(200, { cancelled: false });
  });
});

describe('a server without keys', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => run.answer('fine');
  });

  afterAll(() => app.close());

  it('lets everybody in, whatever key they show', async () => {
    await supertest(app.url).post('/v1/messages').send(ask('hi')).expect(200);
    await supertest(app.url).post('/v1/messages').set('x-api-key', 'none').send(ask('hi')).expect(200);
  });
});
