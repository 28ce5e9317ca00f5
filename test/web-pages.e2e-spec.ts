import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config/app-config.js';
import { ask } from './support/requests.js';
import { startTestApp, type TestApp } from './support/test-app.js';

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
    ['whose name was made to mean this machine', { host: 'evil.example' }],
    ['whose name only begins as a loopback address does', { host: '127.999.1.1' }],
    ['whose name holds a loopback address', { host: '127.0.0.1.evil.example:8787' }],
    ['that hides where it comes from', { 'sec-fetch-site': 'cross-site' }],
  ])('%s cannot run anything here', async (_, headers) => {
    const before = await app.count('turns');
    const { status, body } = await post(headers);
    expect([status, body.error.type]).toEqual([403, 'permission_error']);
    expect(await app.count('turns')).toBe(before);
  });

  it('of this machine can, and so can programs', async () => {
    await post({ origin: 'http://localhost:3000' }).expect(200);
    await post({ host: 'localhost:8787' }).expect(200);
  });

  it('is no matter where keys are required', async () => {
    const request = supertest(withKeys.url)
      .post('/v1/messages')
      .set({ 'x-api-key': 'secret-a-that-is-long-enough', host: 'chiron.example' });
    await request.send(ask('hello', { model: 'demo' })).expect(200);
  });
});
