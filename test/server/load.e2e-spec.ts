// Long because every kind of body that could keep the server busy is tried here.
import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import supertest from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

// What a caller may send that would stop the server for all others.

const MILLION = 1_000_000;
const many = (part: string, times: number): string => Array.from({ length: times }, () => part).join(',');

/** A request with JSON text in the place of `"HERE"`. */
const withJson = (body: object, json: string): string => JSON.stringify(body).replace('"HERE"', json);

const BLOCK = '{"type":"text","text":"a"}';
const SESSION = { harness_type: 'demo', metadata: { a: 'HERE' } };
const schemaOf = (schema: object) => ({ output_config: { format: { type: 'json_schema', schema } } });

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = (run) => run.answer('"fine"');
});

afterAll(() => app.close());

const post = (path: string, body: object | string) =>
  supertest(app.url).post(path).set('content-type', 'application/json').send(body);

const rows = async () => [await app.count('threads'), await app.count('turns')];

describe('a body of millions of values', () => {
  it.each([
    ['messages', '/v1/messages', ask('', { messages: 'HERE' }), `[${many('{}', MILLION)}]`],
    ['a message’s blocks', '/v1/messages', ask('HERE'), `[${many(BLOCK, MILLION)}]`],
    ['tools', '/v1/messages', ask('hi', { tools: 'HERE' }), `[${many('{"name":"a"}', MILLION)}]`],
    ['an unknown field', '/v1/messages', ask('hi', { from_the_future: 'HERE' }), `[${many('[]', MILLION)}]`],
    [
      'a tool’s schema',
      '/v1/messages',
      ask('hi', { tools: [{ name: 'a', input_schema: 'HERE' }] }),
      `{${many('"a":1', MILLION)}}`,
    ],
    ['a count of tokens', '/v1/messages/count_tokens', ask('', { messages: 'HERE' }), `[${many('0', 2 * MILLION)}]`],
    ['a session’s metadata', '/api/session/test:wide', SESSION, `[${many('{}', MILLION)}]`],
    ['a session’s messages', '/api/session/test:wide/messages', { messages: 'HERE' }, `[${many('{}', MILLION)}]`],
    ['an execution', '/api/session/test:wide/execute', { input_lines: 'HERE' }, `[${many('""', 2 * MILLION)}]`],
  ])('is refused, and leaves nothing: %s', async (_, path, body, json) => {
    const before = await rows();
    const { status, text } = await post(path, withJson(body, json));
    expect([status, text]).toEqual([400, expect.stringContaining('too many values')]);
    expect(await rows()).toEqual(before);
  });

  it('is what is in its texts, too, where they are read as JSON', async () => {
    await post('/api/session/test:lines', { harness_type: 'demo' }).expect(200);
    const execute = (line: string) => post('/api/session/test:lines/execute', { input_lines: [line] });
    const hostile = `{"type":"user","x":[${many('{}', MILLION)}]}`;
    await execute(hostile).expect(400, /too many values/);
    await execute(`{"type":"user","x":${'['.repeat(50_000)}`).expect(400, /maximum nesting depth/);
    // A text, whatever it holds.
    await execute(`[${many('{}', MILLION)}]`).expect(200);
    const asked = ask('hi', { metadata: { user_id: `{"session_id":"a","x":[${many('{}', MILLION)}]}` } });
    const { headers } = await post('/v1/messages', asked).expect(200);
    expect(headers['x-chiron-thread-key']).not.toBe('api:claude:a');
  });

  it.each([
    ['stop sequences', '/v1/messages', ask('hi', { stop_sequences: Array.from({ length: 400_000 }, () => 'a') }), 400],
    ['lines', '/api/session/test:lines/execute', { input_lines: Array.from({ length: 400_000 }, () => 'a') }, 422],
    [
      'messages of a session',
      '/api/session/test:lines/messages',
      { messages: Array.from({ length: 50_000 }, () => ({ role: 'user', parts: [] })) },
      422,
    ],
  ])('is refused, although all of it may be parsed, for its many %s', async (_, path, body, status) => {
    await post('/api/session/test:lines', { harness_type: 'demo' }).expect(200);
    await post(path, body).expect(status);
  });

  it.each([
    [
      'of 100,000 messages',
      ask('', {
        messages: Array.from({ length: 99_999 }, (_, at) => ({
          role: at % 2 === 0 ? 'user' : 'assistant',
          content: `${at}`,
        })),
      }),
    ],
    ['of 32 MB less a little in one text', ask('x'.repeat(31 * MILLION))],
    [
      'with a large picture',
      ask([{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0K'.repeat(MILLION) } }]),
    ],
    [
      'with a list of numbers',
      ask('hi', {
        tools: [
          {
            name: 'a',
            input_schema: { type: 'object' },
            embedding: Array.from({ length: 400_000 }, (_, at) => at / 7),
          },
        ],
      }),
    ],
    [
      'with 50,000 tools, one of which is forced',
      ask('hi', {
        tool_choice: { type: 'tool', name: 'b' },
        tools: [
          ...Array.from({ length: 50_000 }, () => ({ name: 'a', input_schema: {} })),
          { name: 'b', input_schema: { type: 'string' } },
        ],
      }),
    ],
  ])('is not one %s: that is served', async (_, body) => {
    await post('/v1/messages', body).expect(200);
  });
});

describe('the server answers others', () => {
  const HEALTH = 'GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';
  const sockets: Socket[] = [];

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** A connection; `name` is noted each time that an answer arrives on it. */
  async function open(name: string, order: string[]): Promise<Socket> {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    sockets.push(socket);
    socket.on('data', (chunk) => {
      if (chunk.toString('latin1').includes('HTTP/1.1 ')) order.push(name);
    });
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  }

  const doubling = {
    $ref: '#/$defs/p0',
    $defs: Object.fromEntries([
      ...Array.from({ length: 40 }, (_, at) => [
        `p${at}`,
        { allOf: [{ $ref: `#/$defs/p${at + 1}` }, { $ref: `#/$defs/p${at + 1}` }] },
      ]),
      ['p40', {}],
    ]),
  };

  it.each([
    ['a body of many values is parsed', withJson(ask('hi', { x: 'HERE' }), `[${many('{}', 490_000)}]`)],
    [
      'a body of too many values is looked at',
      withJson(ask('hi', { x: 'HERE' }), `["${'\\"'.repeat(2 * MILLION)}",${many('[]', MILLION)}]`),
    ],
    [
      'a body of many odd characters is mended',
      withJson(ask('hi', { x: 'HERE' }), `"${String.raw`\ud800`.repeat(MILLION)}"`),
    ],
    [
      'the history of a long conversation is compared',
      JSON.stringify(
        ask('', {
          messages: [
            { role: 'user', content: 'a' },
            { role: 'assistant', content: 'some words '.repeat(MILLION) },
            { role: 'user', content: 'b' },
          ],
        }),
      ),
    ],
    ['a schema asks for endless work', JSON.stringify(ask('hi', schemaOf(doubling)))],
    [
      'a tool’s schema asks for endless work',
      JSON.stringify(ask('hi', { tool_choice: { type: 'any' }, tools: [{ name: 'a', input_schema: doubling }] })),
    ],
  ])('while %s', async (_, body) => {
    const order: string[] = [];
    const [hostile, other] = [await open('hostile', order), await open('other', order)];
    const bytes = Buffer.from(body);
    hostile.write(
      `POST /v1/messages HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${bytes.length}\r\n\r\n`,
    );
    await new Promise((resolve) => hostile.write(bytes.subarray(0, -1), resolve));
    other.write(HEALTH);
    await eventually(() => order).toEqual(['other']);
    hostile.write(bytes.subarray(-1));
    other.write(HEALTH);
    await eventually(() => order).toEqual(['other', 'other', 'hostile']);
  });

  it('while an answer is checked against a pattern that tries every way to fit', async () => {
    const order: string[] = [];
    const other = await open('other', order);
    app.harness.onRun = (run) => {
      run.answer(JSON.stringify(`${'a'.repeat(40)} b`));
      // The turn's end is in the hands of the server now.
      setImmediate(() => setImmediate(() => other.write(HEALTH)));
    };
    const pattern = { type: 'string', pattern: String.raw`^(\w+)+$` };
    const { status, body } = await post('/v1/messages', ask('hi', schemaOf(pattern)));
    order.push('hostile');
    expect([status, body.error.message]).toEqual([500, expect.stringContaining('cannot be checked')]);
    expect(order).toEqual(['other', 'hostile']);
    app.harness.onRun = (run) => run.answer('"fine"');
    const good = await post('/v1/messages', ask('hi', schemaOf({ type: 'string' })))
      .set(thread('after'))
      .expect(200);
    expect(good.body.content).toMatchObject([{ type: 'text', text: '"fine"' }]);
  });
});

describe('a caller that guesses keys', () => {
  const KEY = 'the-key-of-alice-that-is-long-enough';
  let locked: TestApp;

  beforeAll(async () => {
    const sha256 = createHash('sha256').update(KEY).digest();
    locked = await startTestApp({ apiKeys: [{ name: 'alice', sha256 }] });
    locked.harness.onRun = (run) => run.answer('fine');
  });

  afterAll(() => locked.close());

  const guess = (key: string, headers: Readonly<Record<string, string>> = {}) =>
    supertest(locked.url)
      .post('/v1/messages')
      .set({ 'x-api-key': key, ...headers })
      .send(ask('hi'));

  it('must wait after some, on each route and whatever address it claims; one with a key never', async () => {
    const statuses: number[] = [];
    for (let at = 0; at < 35; at += 1) {
      statuses.push((await guess(`${KEY.slice(0, -2)}${at}`, { 'x-forwarded-for': `10.0.0.${at}` })).status);
    }
    expect(statuses.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 401));
    expect(statuses.slice(30)).toEqual(Array.from({ length: 5 }, () => 429));
    const told = await guess('wrong').expect(429).expect('x-should-retry', 'false');
    expect(Number(told.headers['retry-after'])).toBeGreaterThan(1);
    expect(told.body.error.type).toBe('rate_limit_error');
    await supertest(locked.url).get('/api/sessions').set('authorization', 'Bearer wrong').expect(429);
    await guess(KEY).expect(200);
    await supertest(locked.url).get('/v1/models').set('authorization', `Bearer ${KEY}`).expect(200);
    await supertest(locked.url).get('/healthz').expect(200);
    // Nothing is guessed without a key.
    await supertest(locked.url).post('/v1/messages').send(ask('hi')).expect(401);
  });
});
