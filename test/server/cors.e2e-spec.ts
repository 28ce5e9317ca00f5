import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { assertClosedToOthers } from '../../src/start/open-access.js';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const PAGE = 'https://app.example';
const KEY = 'a-key-that-is-long-enough';

/** What `@anthropic-ai/sdk` 1.12 asks for in Chromium, and what other callers add. */
const HEADERS =
  'anthropic-beta,anthropic-dangerous-direct-browser-access,anthropic-version,authorization,content-type,idempotency-key,' +
  'x-api-key,x-chiron-thread-key,x-stainless-arch,x-stainless-helper-method,x-stainless-lang,x-stainless-retry-count';

const configured = (variables: Readonly<Record<string, string>>) => {
  const { apiKeys, corsOrigins } = readConfig(variables);
  return startTestApp({ apiKeys, corsOrigins });
};

const preflight = (app: TestApp, path: string, origin: string) =>
  supertest(app.url).options(path).set({
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': HEADERS,
  });

describe('a page in a browser, of an origin that is named', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await configured({ CHIRON_API_KEYS: `alice:${KEY}`, CHIRON_CORS_ORIGINS: `${PAGE}/, http://localhost:3000` });
  });

  afterAll(() => app.close());

  it.each(['/v1/messages', '/v1/messages/count_tokens', '//v1/messages', '/api/session/a:b'])(
    'may send all headers of an SDK to %s, without a key in the question',
    async (path) => {
      const { status, headers } = await preflight(app, path, PAGE);
      expect(status).toBe(204);
      expect(headers).toMatchObject({
        'access-control-allow-origin': PAGE,
        'access-control-allow-headers': HEADERS,
        'access-control-allow-methods': expect.stringContaining('POST') as string,
        vary: expect.stringContaining('Origin') as string,
      });
    },
  );

  it.each([
    ['an answer', { 'x-api-key': KEY }, {}, 200],
    ['a stream', { authorization: `Bearer ${KEY}` }, { stream: true }, 200],
    ['a refusal', { 'x-api-key': KEY }, { messages: [] }, 400],
    ['a wrong key', { 'x-api-key': 'wrong' }, {}, 401],
  ])('may read %s, with its id', async (_, key, change, status) => {
    const body = { ...ask('hello', { model: 'demo' }), ...change };
    const answer = await supertest(app.url)
      .post('/v1/messages')
      .set({ ...key, origin: PAGE })
      .send(body);
    expect(answer.status).toBe(status);
    expect(answer.headers['access-control-allow-origin']).toBe(PAGE);
    const exposed = String(answer.headers['access-control-expose-headers']).toLowerCase().split(',');
    expect(exposed).toEqual(expect.arrayContaining(['request-id', 'retry-after', 'x-chiron-thread-key']));
  });

  it('may read the session API, its errors and unknown routes', async () => {
    for (const path of ['/api/sessions', '/api/session/no:thread', '/v1/nothing', '/%']) {
      const { headers } = await supertest(app.url).get(path).set({ 'x-api-key': KEY, origin: PAGE });
      expect([path, headers['access-control-allow-origin']]).toEqual([path, PAGE]);
    }
  });

  it.each(['https://evil.example', 'http://app.example', `${PAGE}.evil.example`, `${PAGE}:8443`, 'null'])(
    'is told from %s, which may do nothing',
    async (origin) => {
      const asked = await preflight(app, '/v1/messages', origin);
      const sent = await supertest(app.url).get('/v1/models').set({ origin, 'x-api-key': KEY });
      for (const { headers } of [asked, sent]) expect(headers).not.toHaveProperty('access-control-allow-origin');
    },
  );
});

it('lets every page call that has a key, if that is wanted', async () => {
  const app = await configured({ CHIRON_API_KEYS: `alice:${KEY}`, CHIRON_CORS_ORIGINS: '*' });
  try {
    const { headers } = await preflight(app, '/v1/messages', 'null');
    expect(headers).toMatchObject({ 'access-control-allow-origin': '*', 'access-control-allow-headers': HEADERS });
  } finally {
    await app.close();
  }
});

it('lets the pages that are named call a server without keys, and no others', async () => {
  const app = await configured({ CHIRON_CORS_ORIGINS: PAGE });
  try {
    const post = (origin: string) =>
      supertest(app.url)
        .post('/v1/messages')
        .set({ origin, 'sec-fetch-site': 'cross-site' })
        .send(ask('hi', { model: 'demo' }));
    await post(PAGE).expect(200).expect('access-control-allow-origin', PAGE);
    await post('http://localhost:3000').expect(403);
  } finally {
    await app.close();
  }
});

it('is off by default', async () => {
  const app = await configured({ CHIRON_API_KEYS: `alice:${KEY}` });
  try {
    const { status, headers } = await preflight(app, '/v1/messages', PAGE);
    expect(status).not.toBe(204);
    expect(headers).not.toHaveProperty('access-control-allow-origin');
  } finally {
    await app.close();
  }
});

it('is refused for every page where there are no keys', () => {
  expect(() => assertClosedToOthers(readConfig({ CHIRON_CORS_ORIGINS: '*' }), false)).toThrow(
    /CHIRON_CORS_ORIGINS: must list origins/,
  );
});
