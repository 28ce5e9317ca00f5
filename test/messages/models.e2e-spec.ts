import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { HARNESSES } from '../../src/harness/harnesses.js';
import { ask } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

interface Model {
  readonly id: string;
}

interface Page {
  readonly data: readonly Model[];
  readonly has_more: boolean;
  readonly first_id: string | null;
  readonly last_id: string | null;
}

const KEY = { authorization: 'Bearer secret-that-is-long-enough', 'anthropic-version': '2023-06-01' };

let app: TestApp;

beforeAll(async () => {
  const { apiKeys, modelRoutes } = readConfig(
    {
      CHIRON_API_KEYS: 'team:secret-that-is-long-enough',
      CHIRON_MODEL_ROUTES: 'team/fast=demo,claude-*=claude-code,review=claude-code,gone=codex',
    },
    HARNESSES,
  );
  app = await startTestApp({ apiKeys, modelRoutes });
});

afterAll(() => app.close());

const get = (path: string) => supertest(app.url).get(path).set(KEY);

const page = async (query: string) => (await get(`/v1/models${query}`).expect(200)).body as Page;

describe('GET /v1/models', () => {
  it('lists the harnesses that are here and the names of routes to them', async () => {
    const { data, ...rest } = await page('?limit=1000');
    expect(data.map(({ id }) => id)).toEqual(['team/fast', 'review', 'claude-code', 'demo']);
    expect(rest).toEqual({ has_more: false, first_id: 'team/fast', last_id: 'demo' });
  });

  it('can be paged through in both directions', async () => {
    const first = await page('?limit=3');
    expect(first).toMatchObject({ has_more: true, last_id: 'claude-code' });
    const second = await page(`?limit=3&after_id=${String(first.last_id)}`);
    expect(second).toMatchObject({ has_more: false, first_id: 'demo', last_id: 'demo' });
    const back = await page(`?limit=2&before_id=${String(second.first_id)}`);
    expect(back.data.map(({ id }) => id)).toEqual(['review', 'claude-code']);
    expect(back.has_more).toBe(true);
  });

  it('has no models in other stages of life', async () => {
    expect(await page('?lifecycle[]=retired')).toEqual({ data: [], has_more: false, first_id: null, last_id: null });
    expect((await page('?lifecycle%5B%5D=active&lifecycle%5B%5D=retired')).data).toHaveLength(4);
  });

  it.each(['?limit=0', '?limit=1001', '?after_id=nobody', '?lifecycle=new'])('refuses %s', async (query) => {
    const response = await get(`/v1/models${query}`).expect(400);
    expect(response.body).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  });

  it('is closed to callers without a key', async () => {
    await supertest(app.url).get('/v1/models').expect(401);
    await supertest(app.url).get('/v1/models/demo').expect(401);
  });

  it('is for reading only', async () => {
    await supertest(app.url).post('/v1/models').set(KEY).expect(405).expect('allow', 'GET, HEAD');
    await supertest(app.url).delete('/v1/models/demo').set(KEY).expect(405).expect('allow', 'GET, HEAD');
  });

  it('offers only names that POST /v1/messages takes', async () => {
    app.harness.onRun = (run) => run.answer('fine');
    for (const { id } of (await page('')).data) {
      const body = ask(`to ${id}`, { model: id });
      await supertest(app.url).post('/v1/messages').set(KEY).send(body).expect(200);
    }
  });
});

describe('GET /v1/models/{id}', () => {
  it('has every field of a model', async () => {
    const { body } = await get('/v1/models/demo').expect(200);
    expect(body).toMatchObject({
      type: 'model',
      id: 'demo',
      display_name: 'Demo agent',
      created_at: '2026-11-22T00:00:00Z',
      lifecycle: 'active',
      line: null,
      deprecated_at: null,
      retires_at: null,
      max_input_tokens: null,
      max_tokens: null,
      capabilities: { batch: { supported: false }, thinking: { supported: false } },
    });
  });

  it('finds a name with a percent-encoded slash, with the same fields as the list', async () => {
    const { body } = await get('/v1/models/team%2Ffast').expect(200);
    expect(body).toEqual((await page('')).data[0]);
  });

  it.each(['nobody', 'gone', 'codex', 'claude-*'])('does not find %s', async (id) => {
    const response = await get(`/v1/models/${encodeURIComponent(id)}`).expect(404);
    expect(response.body).toEqual({
      type: 'error',
      error: { type: 'not_found_error', message: `model: ${id}` },
      request_id: response.headers['request-id'],
    });
  });

  it('refuses a name that is wrongly encoded', async () => {
    const response = await get('/v1/models/%E0%A4%A').expect(400);
    expect(response.body).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } });
  });
});
