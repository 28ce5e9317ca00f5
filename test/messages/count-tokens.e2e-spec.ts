import { readConfig } from '../../src/config/app-config.js';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.close());

/** What Claude Code 2.1.330 sends. */
const FOO = { model: 'claude-opus-5-5', messages: [{ role: 'user', content: 'foo' }] };

const post = (body: object | string, path = '/v1/messages/count_tokens') =>
  supertest(app.url).post(path).set('content-type', 'application/json').send(body);

async function count(body: object): Promise<number> {
  const response = await post(body).expect(200);
  const { input_tokens: tokens } = response.body as { readonly input_tokens: number };
  return tokens;
}

describe('POST /v1/messages/count_tokens', () => {
  it('answers with a number, and with the beta’s field only where the beta is asked for', async () => {
    await post(FOO).expect(200, { input_tokens: 8 });
    const beta = { input_tokens: 8, context_management: null };
    await post(FOO, '/v1/messages/count_tokens?beta=true').expect(200, beta);
    await post(FOO).set('anthropic-beta', 'token-counting-2024-11-01').expect(200, beta);
  });

  it('counts everything that the model would read', async () => {
    const plain = await count(FOO);
    const tools = [{ name: 'look', description: 'looks '.repeat(100), input_schema: { type: 'object' } }];
    expect(await count({ ...FOO, tools: [] })).toBe(plain);
    expect(await count({ ...FOO, tools })).toBeGreaterThan(plain + 200);
    expect(await count({ ...FOO, system: 'be kind '.repeat(100) })).toBeGreaterThan(plain + 190);
    const picture = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'a'.repeat(100_000) } };
    const withPicture = await count({ ...FOO, messages: [{ role: 'user', content: [picture] }] });
    expect(withPicture).toBeGreaterThan(1000);
    expect(withPicture).toBeLessThan(5000);
  });

  it('estimates a text of 20 MB by parts of it', async () => {
    const words = 'some words and code(); ';
    const short = await count({ ...FOO, system: words.repeat(1000) });
    const long = await count({ ...FOO, system: words.repeat(900_000) });
    expect(long / short).toBeGreaterThan(850);
    expect(long / short).toBeLessThan(950);
  });

  it('starts no turn and touches no thread, also with the header of one', async () => {
    await Promise.all(Array.from({ length: 20 }, () => post(FOO).set(thread('counted')).expect(200)));
    expect(app.harness.runs).toEqual([]);
    expect(await app.count('threads')).toBe(0);
    expect(await app.count('turns')).toBe(0);
  });

  it.each([
    [{ messages: FOO.messages }, /^model: Field required$/],
    [{ model: 'm' }, /^messages: Field required$/],
    [{ ...FOO, messages: [] }, /^messages: at least one message is required$/],
    [{ ...FOO, tools: {} }, /^tools: Input should be a valid list$/],
    [{ ...FOO, system: 5 }, /^system: Input should be a valid list$/],
    [[], /must be a JSON object/],
    ['{', /not valid JSON/],
  ])('refuses %j in Anthropic’s form', async (body, message) => {
    const response = await post(body).expect(400);
    expect(response.body).toEqual({
      type: 'error',
      error: { type: 'invalid_request_error', message: expect.stringMatching(message) as string },
      request_id: response.headers['request-id'],
    });
  });

  const nested = (levels: number): string => {
    const input = `${'[{"a":'.repeat(levels)}1${'}]'.repeat(levels)}`;
    const block = `{"type":"tool_use","id":"t","name":"n","input":${input}}`;
    return `{"model":"m","messages":[{"role":"assistant","content":[${block}]}]}`;
  };

  it('takes JSON that is nested deep, and refuses what is deeper than a stack', async () => {
    const response = await post(nested(100)).expect(200);
    expect(response.body).toEqual({ input_tokens: expect.any(Number) as number });
    await post(nested(50_000)).expect(400, /maximum nesting depth/);
  });

  it('is for POST only', async () => {
    const response = await supertest(app.url).get('/v1/messages/count_tokens').expect(405);
    expect(response.headers['allow']).toBe('POST');
  });

  it('is closed to callers without a key', async () => {
    const { apiKeys } = readConfig({ CHIRON_API_KEYS: 'team:secret-that-is-long-enough' });
    const closed = await startTestApp({ apiKeys });
    try {
      await supertest(closed.url).post('/v1/messages/count_tokens').send(FOO).expect(401);
      await supertest(closed.url)
        .post('/v1/messages/count_tokens')
        .set('x-api-key', 'secret-that-is-long-enough')
        .send(FOO)
        .expect(200);
    } finally {
      await closed.close();
    }
  });
});
