// Over 250 lines: what hostile and malformed requests get, route by route.
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { constants, createZstdCompress } from 'node:zlib';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { eventually } from '../support/eventually.js';
import { raw } from '../support/raw.js';
import { ask, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = (run) => run.answer('fine');
});

afterAll(() => app.close());

const post = (body: object | string, headers: Readonly<Record<string, string>> = {}) =>
  supertest(app.url).post('/v1/messages').set('content-type', 'application/json').set(headers).send(body);

/** Lists in one another, as JSON text. */
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;

/** A request with JSON text in the place of `"HERE"`. */
const withJson = (body: object, json: string): string => JSON.stringify(body).replace('"HERE"', json);

const toolUse = (id: unknown, input: unknown) => ({
  ...ask('go on'),
  messages: [
    { role: 'assistant', content: [{ type: 'tool_use', id, name: 'Bash', input }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'done' }] },
  ],
});

describe('a body', () => {
  it.each([
    ['a tool’s input', '/v1/messages', toolUse('a', 'HERE')],
    ['an unknown field', '/v1/messages', ask('hi', { from_the_future: 'HERE' })],
    ['a count of tokens', '/v1/messages/count_tokens', ask('hi', { tools: 'HERE' })],
    ['a session’s metadata', '/api/session/test:deep', { harness_type: 'demo', metadata: { a: 'HERE' } }],
  ])('that exceeds the maximum nesting depth is refused, and leaves nothing: %s', async (_, path, body) => {
    const before = [await app.count('threads'), await app.count('turns')];
    const response = await supertest(app.url)
      .post(path)
      .set('content-type', 'application/json')
      .send(withJson(body, nested(20_000)))
      .expect(400);
    expect(response.text).toContain('maximum nesting depth');
    expect([await app.count('threads'), await app.count('turns')]).toEqual(before);
  });

  it('may be nested as deep as any client has a use for, and hold any number of brackets in its texts', async () => {
    await post(withJson(toolUse('a', 'HERE'), nested(200))).expect(200);
    await post(ask(`${'['.repeat(1000)} "\\" ${'{'.repeat(1000)}`)).expect(200);
  });

  it('may hold an object where a text is expected, whatever it calls its methods', async () => {
    await post(toolUse({ toString: 1, valueOf: null }, { toJSON: 'no' })).expect(200);
    expect(app.harness.runs.at(-1)?.turn.prompt).toEqual([
      { type: 'text', text: "[result of the caller's tool call without an id]\ndone" },
    ]);
  });

  it.each([
    { type: 'text', text: { toString: 1 } },
    { type: { toString: 1 }, text: 'x' },
    { type: 'tool_use', id: { toString: 1 }, name: { toString: null }, input: { toString: 1 } },
    { type: 'web_search_tool_result', tool_use_id: { toString: 1 }, content: { toString: 1 } },
  ])('may hold such an object in earlier messages: %j', async (block) => {
    const messages = [
      { role: 'user', content: 'begin' },
      { role: 'assistant', content: [block] },
      { role: 'user', content: JSON.stringify(block) },
    ];
    await post(ask('', { messages })).expect(200);
  });

  it('has U+FFFD for what is no character: agents, their models and stores refuse it', async () => {
    const half = String.raw`cut \ud83d, low \udc00, nul \u0000`;
    await post(withJson(ask('HERE', { model: 'model' }), `"${half}"`)).expect(200);
    const mended = 'cut \ufffd, low \ufffd, nul \ufffd';
    expect(app.harness.runs.at(-1)?.turn.prompt).toEqual([{ type: 'text', text: mended }]);
    await post(withJson(ask('whole', { system: 'HERE', model: 'model' }), `"${half}"`)).expect(200);
    expect(app.harness.opened.at(-1)?.systemPrompt).toBe(mended);
  });

  it('keeps complete characters, however they are escaped, and the user’s backslashes', async () => {
    await post(withJson(ask('HERE'), String.raw`"\ud83d\ude00 😀 \\ud83d \\\ud83d\ude00 \\u0000"`)).expect(200);
    const text = '😀 😀 \\ud83d \\😀 \\u0000';
    expect(app.harness.runs.at(-1)?.turn.prompt).toEqual([{ type: 'text', text }]);
  });

  it('that is not encoded as declared is refused, and its remaining bytes do no harm', async () => {
    const head =
      'POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: 2000000\r\n\r\n';
    const next = 'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n';
    const answer = await raw(app.url, head, Buffer.alloc(2_000_000), next);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*HTTP\/1\.1 200 OK\r\n/);
  });

  it('cannot have more than 8 MB of memory taken to unpack it', async () => {
    const packer = createZstdCompress({ params: { [constants.ZSTD_c_windowLog]: 27 } });
    const chunks: Buffer[] = [];
    packer.on('data', (chunk: Buffer) => chunks.push(chunk));
    const packed = new Promise((resolve) => packer.on('end', resolve));
    // Its size is not known before, so that the frame asks for the whole window.
    packer.write(JSON.stringify(ask('hi')));
    packer.end();
    await packed;
    const body = Uint8Array.from(Buffer.concat(chunks));
    const response = await fetch(`${app.url}/v1/messages`, {
      method: 'POST',
      headers: { 'content-encoding': 'zstd', 'content-type': 'application/json' },
      body,
    });
    expect(response.status).toBe(400);
  });
});

describe('a refusal', () => {
  const long = 'm'.repeat(3000);

  it.each([
    ['a model', () => post(ask('hi', { model: `codex/${'m'.repeat(240)}` })), 404],
    ['a model that is looked for', () => supertest(app.url).get(`/v1/models/${long}`), 404],
    ['a model of more characters than one may have', () => post(ask('hi', { model: long })), 400],
    ['an execution', () => supertest(app.url).get(`/api/session/test:known/turns/${long}`), 404],
    ['a path that cannot be decoded', () => supertest(app.url).get(`/v1/models/%${long}`), 400],
  ])('does not repeat much of the request: %s', async (_, send, status) => {
    await supertest(app.url).post('/api/session/test:known').send({ harness_type: 'demo' }).expect(200);
    const { text } = await send().expect(status);
    expect(text.length).toBeLessThan(500);
  });
});

describe('an answer', () => {
  it('names a thread whose key is not ASCII, also when no agent gives it', async () => {
    const key = Buffer.from('test:漢字').toString('latin1');
    const body = Buffer.from(JSON.stringify(ask('hi', { max_tokens: 1 })));
    const told = await new Promise((resolve, reject) => {
      const headers = { 'x-chiron-thread-key': key, 'content-type': 'application/json' };
      request(`${app.url}/v1/messages`, { method: 'POST', headers })
        .on('response', (response) => resolve(response.resume().headers['x-chiron-thread-key']))
        .on('error', reject)
        .end(body);
    });
    expect(told).toBe(key);
  });

  it('has no character at which a client could break a line', async () => {
    const text = 'a\u2028b\u2029c\u0085d';
    app.harness.onRun = (run) => run.answer(text);
    const client = await SseClient.post(app.url, ask('separators', { stream: true })).done();
    app.harness.onRun = (run) => run.answer('fine');
    expect(client.text).not.toMatch(/[\u2028\u2029\u0085]/);
    expect(client.said).toBe(text);
  });
});

describe('a connection', () => {
  const head = `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n`;
  const body = (text: string): string => JSON.stringify(ask(text));
  const whole = (text: string, headers = ''): string =>
    `${head}${headers}content-length: ${Buffer.byteLength(body(text))}\r\n\r\n${body(text)}`;

  it('is closed without an answer when it sends bytes that are not HTTP during an answer', async () => {
    app.harness.onRun = () => undefined;
    const answer = raw(app.url, whole('in flight'), 'this is no HTTP\r\n\r\n');
    (await app.harness.run('in flight')).answer('done');
    app.harness.onRun = (run) => run.answer('fine');
    expect(await answer).toBe('');
  });

  it('gets an answer to an expectation that nobody knows', async () => {
    const answer = await raw(app.url, whole('a miracle', 'expect: a-miracle\r\nconnection: close\r\n'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  it('gets no body for a HEAD of a malformed path', async () => {
    const answer = await raw(app.url, Buffer.from('HEAD /\u00e9 HTTP/1.1\r\nhost: a\r\n\r\n', 'latin1'));
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[^]*\r\n\r\n$/);
  });

  it('can be used again after a HEAD of a session’s events', async () => {
    await supertest(app.url).post('/api/session/test:head').send({ harness_type: 'demo' }).expect(200);
    const look = 'HEAD /api/session/test%3Ahead/events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
    const answer = await raw(app.url, look, 'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n');
    expect(answer.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });
});

describe('a form for the answer', () => {
  const inForm = (property: object) => ({
    format: { type: 'json_schema', schema: { type: 'object', properties: { a: property }, required: ['a'] } },
  });

  it.each([
    ['a pattern that is none', { pattern: '(' }],
    ['a name of properties that is no pattern', { patternProperties: { '[': {} } }],
  ])('is refused before a turn is started: %s', async (_, property) => {
    const before = await app.count('turns');
    const response = await post(ask('in form', { output_config: inForm(property) })).expect(400);
    expect(response.text).toContain('output_config.format.schema');
    expect(await app.count('turns')).toBe(before);
  });

  it('whose check would take for ever fails the turn, and not the server', async () => {
    app.harness.onRun = (run) => run.answer(JSON.stringify({ a: `${'a'.repeat(40)} b` }));
    const response = await post(ask('evil', { output_config: inForm({ pattern: String.raw`^(\w+)+$` }) }));
    app.harness.onRun = (run) => run.answer('fine');
    expect(response.status).toBe(500);
    expect(response.text).toContain('cannot be checked against the schema');
    await eventually(() => app.harness.runsOf('evil')).toHaveLength(1);
    await supertest(app.url).get('/healthz').expect(200);
  });

  it.each([
    { type: 'array', items: { type: 'string' }, minItems: 2 ** 31 },
    { type: 'string', minLength: 2 ** 31 },
    { $ref: '#', description: 'each part is the whole' },
  ])('of any size does not exhaust the demo agent: %j', async (property) => {
    const properties = Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`p${index}`, property]));
    const schema = { type: 'object', properties, required: Object.keys(properties) };
    const body = ask('large', { model: 'demo', output_config: { format: { type: 'json_schema', schema } } });
    const response = await post(body).expect(500);
    expect(response.text).toContain('The agent’s answer ');
  });
});

describe.each(await testedKinds())('with a store on %s', (kind) => {
  let store: TestStore;
  let server: TestApp;

  beforeAll(async () => {
    store = await newStore(kind);
    const { dataDirectory, databaseUrl } = store.options;
    const sha256 = createHash('sha256').update('k').digest();
    server = await startTestApp({ dataDirectory, databaseUrl, apiKeys: [{ name: 'tenant', sha256 }] });
    server.harness.onRun = (run) => run.answer('fine');
  });

  afterAll(async () => {
    await server.close({ keepData: true });
    await store.remove();
  });

  it.each([
    ['get', '/api/sessions?cursor=OTk5OTk5OTk5OTk5OTk5OgA', 400],
    ['get', '/api/session/test:there/turns/%00', 404],
    ['get', '/api/session/test:there/events?execution_id=%00', 404],
    ['post', '/v1/messages/%00/cancel', 404],
  ] as const)('%s %s, which holds a U+0000, names nothing', async (method, path, status) => {
    const agent = supertest.agent(server.url).set('x-api-key', 'k');
    await agent.post('/v1/messages').set(thread('there')).send(ask('hi')).expect(200);
    await agent[method](path).expect(status);
  });

  it('a system prompt with a U+0000 in it starts a turn', async () => {
    const agent = supertest.agent(server.url).set('x-api-key', 'k');
    await agent
      .post('/v1/messages')
      .send(ask('hi', { system: 'a\u0000b', model: 'model\u0000' }))
      .expect(200);
  });
});
