import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

describe('a web page that somebody on this machine looks at', () => {
  let app: TestApp;
  let withKeys: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    withKeys = await startTestApp({
      apiKeys: readConfig({ CHIRON_API_KEYS: 'alice:secret-a-that-is-long-enough' }).apiKeys,
    });
  });

  afterAll(async () => {
    await app.close();
    await withKeys.close();
  });

  const post = (headers: Record<string, string>) =>
    supertest(app.url)
      .post('/v1/messages')
      .set(headers)
      .send(ask('!id', { model: 'demo' }));

  it.each([
    ['that has its browser send a request', { origin: 'https://evil.example' }],
    ['of another server on this machine', { origin: 'http://localhost:3000' }],
    [
      'of another server on the same port of another address',
      { origin: 'http://127.0.0.2:8787', host: '127.0.0.1:8787' },
    ],
    ['that is a file, or in a sandbox', { origin: 'null' }],
    ['whose name was made to mean this machine', { host: 'evil.example' }],
    ['whose name only begins as a loopback address does', { host: '127.999.1.1' }],
    ['whose name holds a loopback address', { host: '127.0.0.1.evil.example:8787' }],
    ['that hides where it comes from', { 'sec-fetch-site': 'cross-site' }],
    ['of another port that hides where it comes from', { 'sec-fetch-site': 'same-site' }],
  ])('%s cannot run anything here', async (_, headers) => {
    const before = await app.count('turns');
    const { status, body } = await post(headers);
    expect([status, body.error.type]).toEqual([403, 'permission_error']);
    expect(await app.count('turns')).toBe(before);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'text/json', undefined])(
    'cannot run anything with a body of the type %s, for which browsers do not ask the server before',
    async (type) => {
      const before = await app.count('turns');
      const answer = await fetch(`${app.url}/v1/messages`, {
        method: 'POST',
        headers: type === undefined ? {} : { 'content-type': type },
        // Bytes have no type of their own.
        body: Buffer.from(JSON.stringify(ask('!id', { model: 'demo' }))),
      });
      expect([answer.status, await answer.json()]).toMatchObject([415, { error: { type: 'invalid_request_error' } }]);
      expect(await app.count('turns')).toBe(before);
    },
  );

  it('cannot reach the session API either', async () => {
    const before = await app.count('threads');
    const create = supertest(app.url).post('/api/session/a:b').set('origin', 'http://localhost:3000');
    const { status, body } = await create.send({});
    expect([status, body]).toMatchObject([
      403,
      { ok: false, error: expect.stringContaining('CHIRON_CORS_ORIGINS') as string },
    ]);
    expect(await app.count('threads')).toBe(before);
  });

  it("can when it is this server's own, and so can programs", async () => {
    const own = new URL(app.url).origin;
    await post({ origin: own, 'sec-fetch-site': 'same-origin' }).expect(200);
    await post({ host: 'localhost:8787' }).expect(200);
    await post({ 'content-type': 'application/vnd.api+json; charset=utf-8' }).expect(200);
    await supertest(app.url).get('/v1/models').set('sec-fetch-site', 'none').expect(200);
  });

  it('is no matter where keys are required, and neither is the type of a body, or that it has none', async () => {
    for (const type of [{ 'content-type': 'text/plain' }, {}]) {
      const answer = await fetch(`${withKeys.url}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': 'secret-a-that-is-long-enough', origin: 'https://evil.example', ...type },
        body: Buffer.from(JSON.stringify(ask('hello', { model: 'demo' }))),
      });
      expect(answer.status).toBe(200);
    }
    const named = supertest(withKeys.url).get('/v1/models');
    await named.set({ 'x-api-key': 'secret-a-that-is-long-enough', host: 'chiron.example' }).expect(200);
  });
});
