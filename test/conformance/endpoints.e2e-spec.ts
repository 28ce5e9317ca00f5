import supertest from 'supertest';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { ask } from '../support/requests.js';
import { ConformanceServer, expectError } from './support/server.js';

const { apiKeys } = readConfig({ CHIRON_API_KEYS: 'team:the-key-that-is-long-enough' });
const KEY = { 'x-api-key': 'the-key-that-is-long-enough' };

interface Model {
  readonly id: string;
  readonly display_name: string;
}

const server = new ConformanceServer({ apiKeys });

const get = (path: string) => supertest(server.url).get(path).set(KEY);

it.each(['', '?beta=true'])('A.1 POST /v1/messages%s answers streamed and unstreamed', async (query) => {
  const post = (stream: boolean) =>
    supertest(server.url)
      .post(`/v1/messages${query}`)
      .set(KEY)
      .send(ask(`both ${query}`, { stream }));
  await post(false)
    .expect(200)
    .expect('content-type', /^application\/json/);
  await post(true)
    .expect(200)
    .expect('content-type', /^text\/event-stream/);
});

describe('POST /v1/messages/count_tokens', () => {
  /** What Claude Code 2.1.330 sends for `/context`. */
  const FOO = { model: 'claude-opus-5-5', messages: [{ role: 'user', content: 'foo' }] };
  const TOOL = { name: 'Bash', description: 'Runs a command', input_schema: { type: 'object', properties: {} } };

  it.each(['', '?beta=true'])(
    'A.1 POST /v1/messages/count_tokens%s counts, 25 times at once, and starts no turn',
    async (query) => {
      const turns = await server.app.count('turns');
      const bodies = Array.from({ length: 25 }, (_, index) => ({
        ...FOO,
        tools: index % 2 === 0 ? [] : [TOOL],
      }));
      const counts = await Promise.all(
        bodies.map(async (body) => {
          const response = await supertest(server.url)
            .post(`/v1/messages/count_tokens${query}`)
            .set(KEY)
            .send(body)
            .expect(200);
          return response.body as { readonly input_tokens: number };
        }),
      );
      for (const count of counts) expect(count.input_tokens).toBeGreaterThan(0);
      expect(counts[1]?.input_tokens).toBeGreaterThan(counts[0]?.input_tokens ?? Infinity);
      expect(Object.keys(counts[0] ?? {})).toEqual(
        query === '' ? ['input_tokens'] : ['input_tokens', 'context_management'],
      );
      expect(await server.app.count('turns')).toBe(turns);
    },
  );
});

it('A.1 HEAD /api/hello is answered without a key, for clients that warm up a connection', async () => {
  const response = await supertest(server.url).head('/api/hello').set('user-agent', 'Bun/1.4.4').expect(200);
  expect(response.text).toBeUndefined();
});

it.each([
  ['head', '/'],
  ['get', '/'],
  ['get', '/health'],
  ['head', '/health'],
] as const)('A.1 %s %s is answered 200 without a key, for load balancers and older clients', async (method, path) => {
  await supertest(server.url)[method](path).expect(200);
});

describe('GET /v1/models', () => {
  it('A.1 GET /v1/models?limit=1000 lists models that Claude Code accepts, without a redirect', async () => {
    const response = await fetch(`${server.url}/v1/models?limit=1000`, {
      headers: { ...KEY, 'user-agent': 'claude-code/2.1.330' },
      redirect: 'error',
    });
    expect(response.status).toBe(200);
    const page = (await response.json()) as { readonly data: readonly Model[] };
    // It shows those whose id has one of these words.
    expect(page.data.filter(({ id }) => /claude|anthropic/i.test(id))).not.toEqual([]);
    for (const model of page.data) expect(model.display_name).toMatch(/\S/);
    expect(page).toEqual({
      data: page.data,
      has_more: false,
      first_id: page.data.at(0)?.id,
      last_id: page.data.at(-1)?.id,
    });
  });

  it('A.1 GET /v1/models pages with limit, after_id, before_id and lifecycle', async () => {
    const { body } = await get('/v1/models?limit=1').expect(200);
    const { last_id: last } = body as { readonly last_id: string };
    await get(`/v1/models?limit=1&after_id=${last}`).expect(200);
    await get(`/v1/models?before_id=${last}`).expect(200, /"data":\[\]/);
    await get('/v1/models?lifecycle[]=active').expect(200, /"id"/);
    expectError(await get('/v1/models?limit=0'), 400, 'invalid_request_error', /^limit/);
  });

  it('A.1 GET /v1/models/{id} has every field of ModelInfo, as the list does', async () => {
    const { data } = (await get('/v1/models').expect(200)).body as { readonly data: readonly Model[] };
    const [first] = data;
    const { body } = await get(`/v1/models/${first?.id}`).expect(200);
    expect(body).toEqual(first);
    expect(Object.keys(body as object).toSorted()).toEqual([
      'capabilities',
      'created_at',
      'deprecated_at',
      'display_name',
      'id',
      'lifecycle',
      'line',
      'max_input_tokens',
      'max_tokens',
      'retires_at',
      'type',
    ]);
    expect(body).toMatchObject({
      type: 'model',
      lifecycle: 'active',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      capabilities: {
        batch: {},
        citations: {},
        code_execution: {},
        context_management: {},
        effort: {},
        image_input: {},
        pdf_input: {},
        server_tools: {},
        structured_outputs: {},
        thinking: {},
      },
    });
    expectError(await get('/v1/models/nobody'), 404, 'not_found_error', /nobody/);
  });
});

it.each([
  ['post', '/v1/messages/batches'],
  ['get', '/v1/messages/batches'],
  ['get', '/v1/messages/batches/msgbatch_1/results'],
  ['get', '/v1/sessions'],
  ['get', '/v1/agents'],
] as const)('A.1 %s %s, which is not offered, is a not_found_error', async (method, path) => {
  expectError(await supertest(server.url)[method](path).set(KEY), 404, 'not_found_error', /^There is no such route\.$/);
});
