// Over 250 lines: all that a request can be refused for, side by side.
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PromptBlock } from '../../src/domain/prompt.js';
import { ask, converse, thread } from '../support/requests.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = (run) => run.answer('fine');
});

afterAll(() => app.close());

const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)' };

const JSON_TYPE = { 'content-type': 'application/json' } as const;

const POST = { method: 'POST', duplex: 'half', headers: JSON_TYPE } as const;

const post = (body: object | string, headers = {}) =>
  supertest(app.url).post('/v1/messages').set('content-type', 'application/json').set(headers).send(body);

/** Anthropic's envelope, with the request's id inside and outside the same. */
function expectEnvelope(response: Response, type: string, message: string | RegExp): void {
  expect(response.headers['request-id']).toMatch(/^req_[0-9a-f]{24}$/);
  expect(response.headers['content-type']).toMatch(/^application\/json/);
  expect(response.body).toEqual({
    type: 'error',
    error: { type, message: expect.stringMatching(message) as string },
    request_id: response.headers['request-id'],
  });
}

describe('a request to POST /v1/messages', () => {
  it.each(['model', 'max_tokens', 'messages'])('is refused without %s, which is named', async (field) => {
    const response = await post({ ...ask('hi'), [field]: undefined }).expect(400);
    expectEnvelope(response, 'invalid_request_error', new RegExp(`^${field}: Field required$`));
  });

  it.each([
    ['model', ''],
    ['model', 7],
    ['max_tokens', -1],
    ['max_tokens', 1.5],
    ['max_tokens', '10'],
    ['messages', []],
    ['messages', 'hi'],
    ['stream', 'yes'],
    ['system', 5],
    ['metadata', 'me'],
    ['tools', {}],
  ])('is refused when %s is %j', async (field, value) => {
    const response = await post(ask('hi', { [field]: value })).expect(400);
    expectEnvelope(response, 'invalid_request_error', new RegExp(`^${field}`));
  });

  it('gets all its wrong fields at once, in one sentence for each', async () => {
    const response = await post({ messages: {}, stream: 1 }).expect(400);
    expect(response.body).toMatchObject({
      error: {
        message:
          'model: Field required; max_tokens: Field required; messages: Input should be a valid list; stream: Input should be a valid boolean',
      },
    });
  });

  it('may hold fields, betas and versions that nobody here knows', async () => {
    const fields = { thinking: { type: 'adaptive' }, top_k: 'many', service_tier: 'auto', from_the_future: { a: [1] } };
    await post(ask('hi', fields), { 'anthropic-version': '2031-01-01', 'anthropic-beta': 'x-2030,y' }).expect(200);
    await supertest(app.url).post('/v1/messages?beta=true').send(ask('hi')).expect(200);
  });

  it('may hold nulls where clients leave a field out', async () => {
    await post(ask('hi', { system: null, metadata: null, tools: null, output_config: null, stream: null })).expect(200);
  });

  it('may hold a history of 2,000 messages', async () => {
    const texts = Array.from({ length: 2001 }, (_, index) => `message ${index} ${'x'.repeat(100)}`);
    await post(converse(texts)).expect(200);
    expect(app.harness.runs.at(-1)?.turn.prompt).toEqual([{ type: 'text', text: texts.at(-1) }]);
  });

  it('may have a body of nearly 32 MB', async () => {
    await post(ask('x'.repeat(32 * 1024 * 1024 - 200))).expect(200);
  });

  it('is refused with 413 when its body is larger, also when it does not say so before', async () => {
    const tooLarge = JSON.stringify(ask('x'.repeat(32 * 1024 * 1024)));
    expectEnvelope(await post(tooLarge).expect(413), 'request_too_large', /larger than/);
    const chunked = await fetch(`${app.url}/v1/messages`, { ...POST, body: new Blob([tooLarge]).stream() });
    expect(chunked.status).toBe(413);
  });

  it('is refused with 413 when a small body unpacks to more than 32 MB', async () => {
    const body = gzipSync(JSON.stringify(ask('x'.repeat(40 * 1024 * 1024))));
    const response = await fetch(`${app.url}/v1/messages`, {
      ...POST,
      headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
      body,
    });
    expect(response.status).toBe(413);
  });

  it.each(['', '{', '{"model": "secret-in-the-body"', 'null', '[]', '"text"'])(
    'is refused when its body is %j',
    async (body) => {
      const response = await post(body).expect(400);
      expectEnvelope(response, 'invalid_request_error', /body/);
      expect(response.text).not.toContain('secret');
    },
  );

  const encodings = {
    gzip: gzipSync,
    'x-gzip': gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    zstd: zstdCompressSync,
    identity: (bytes: Buffer) => bytes,
  };

  it.each(Object.entries(encodings))('may be packed with %s', async (name, pack) => {
    const body = Uint8Array.from(pack(Buffer.from(JSON.stringify(ask(`packed ${name}`)))));
    const response = await fetch(`${app.url}/v1/messages`, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'content-encoding': name },
      body,
    });
    expect(response.status).toBe(200);
    expect(app.harness.runsOf(`packed ${name}`)).toHaveLength(1);
  });

  it('is refused when it is not encoded as declared, or in an unknown encoding', async () => {
    const send = (name: string) =>
      fetch(`${app.url}/v1/messages`, {
        ...POST,
        headers: { ...JSON_TYPE, 'content-encoding': name },
        body: randomBytes(64),
      });
    for (const name of ['gzip', 'deflate', 'br', 'zstd']) expect((await send(name)).status).toBe(400);
    expect((await send('lzma')).status).toBe(415);
  });
});

describe('the prompt of a request', () => {
  const NO_TEXT = /^messages: text content blocks must contain non-whitespace text$/;

  const promptOf = async (messages: readonly object[], headers = {}): Promise<readonly PromptBlock[]> => {
    // Without tools a request of Claude Code is one beside the conversation.
    await post(ask('', { messages, tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }), headers).expect(200);
    return app.harness.runs.at(-1)?.turn.prompt ?? [];
  };

  it('is the last user message, of Claude Code without reminders', async () => {
    const content = [
      { type: 'text', text: '<system-reminder>\nNot the user.</system-reminder>' },
      { type: 'text', text: 'the question', cache_control: { type: 'ephemeral' } },
    ];
    const messages = [
      { role: 'user', content: 'old' },
      { role: 'assistant', content: 'yes' },
      { role: 'user', content },
    ];
    expect(await promptOf(messages, CLAUDE_CODE)).toEqual([{ type: 'text', text: 'the question' }]);
    expect(await promptOf(messages)).toEqual(content.map(({ text }) => ({ type: 'text', text })));
  });

  it('is not the system message that may follow it, which Claude Code’s agent does not see', async () => {
    const messages = [
      { role: 'user', content: 'the question' },
      { role: 'system', content: '# Environment of the caller' },
    ];
    const prompt = await promptOf(messages, CLAUDE_CODE);
    expect(prompt).toEqual([{ type: 'text', text: 'the question' }]);
    const ofSdk = await promptOf(messages);
    expect(ofSdk.at(-1)).toEqual({ type: 'text', text: 'the question' });
    expect(ofSdk.at(0)).toMatchObject({ text: expect.stringContaining('<system-reminder>') as string });
  });

  it('has the images of a tool result, and shows that a tool failed', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };
    const screen = [image, { type: 'text', text: 'the screen' }];
    const content = [{ type: 'tool_result', tool_use_id: 'toolu_1', is_error: true, content: screen }];
    expect(await promptOf([{ role: 'user', content }])).toEqual([
      { type: 'text', text: "[result of the caller's tool call toolu_1, which failed with an error]" },
      ...screen,
    ]);
  });

  it('keeps images and documents in their order', async () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } };
    const document = { type: 'document', source: { type: 'url', url: 'https://example.com/a.pdf' }, title: 'A' };
    const content = [image, { type: 'text', text: 'what is this?' }, document];
    expect(await promptOf([{ role: 'user', content }])).toEqual(content);
  });

  it.each([
    [
      'an assistant prefill',
      [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: 'I' },
      ],
      /prefill/,
    ],
    ['no user message', [{ role: 'system', content: 'a' }], /at least one user message is required/],
    ['an empty text', [{ role: 'user', content: '' }], NO_TEXT],
    ['white space', [{ role: 'user', content: ' \n\t' }], NO_TEXT],
    ['a block of white space', [{ role: 'user', content: [{ type: 'text', text: '   ' }] }], NO_TEXT],
    ['no block', [{ role: 'user', content: [] }], /^messages\.0: all messages must have non-empty content/],
    [
      'a picture of the server’s own files',
      [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'file:///etc/passwd' } }] }],
      /^messages\.0\.content\.0\.source\.url: URL scheme should be 'http' or 'https'$/,
    ],
    [
      'a tool result with a video',
      [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'video' }] }] }],
      /^messages\.0\.content\.0\.content\.0\.type: /,
    ],
    ['a user message without content', [{ role: 'user' }], /messages\.0\.content/],
    ['an unknown role', [{ role: 'tool', content: 'a' }], /messages\.0\.role/],
    ['a message that is a string', ['hi'], /messages\.0/],
    ['a block without its text', [{ role: 'user', content: [{ type: 'text' }] }], /content\.0\.text/],
    ['a block of an unknown kind', [{ role: 'user', content: [{ type: 'hologram' }] }], /content\.0\.type/],
  ])('cannot be made of %s', async (_, messages, message) => {
    expectEnvelope(await post(ask('', { messages })).expect(400), 'invalid_request_error', message);
  });

  it('leaves no thread behind when it is refused', async () => {
    const before = [await app.count('threads'), await app.count('turns')];
    await post(ask(''), thread('refused')).expect(400);
    await post(ask('   '), thread('refused')).expect(400);
    await post(ask([{ type: 'text', text: '\n' }], { stream: true })).expect(400);
    await post(ask('hi', { model: '' }), thread('refused')).expect(400);
    await post('{', thread('refused')).expect(400);
    expect([await app.count('threads'), await app.count('turns')]).toEqual(before);
  });
});

describe('whatever is wrong with a request', () => {
  it.each(['get', 'put', 'patch', 'delete', 'options'] as const)(
    '%s /v1/messages is told to use POST',
    async (method) => {
      const response = await supertest(app.url)[method]('/v1/messages').expect(405).expect('allow', 'POST');
      expectEnvelope(response, 'invalid_request_error', /POST/);
    },
  );

  it.each(['/v1/nothing', '/v1/messages/', '/v1/v1/messages/x/y', '/%ff', '/..%2f'])('%s is no route', async (path) => {
    const response = await supertest(app.url).get(path);
    expect([400, 404, 405]).toContain(response.status);
    expect(response.body).toMatchObject({ type: 'error', request_id: response.headers['request-id'] });
  });

  it('an unknown route gets the envelope, without details of the server', async () => {
    const response = await supertest(app.url).post('/v1/complete').send({}).expect(404);
    expectEnvelope(response, 'not_found_error', /^There is no such route\.$/);
    expect(response.headers['x-powered-by']).toBeUndefined();
  });

  it('a model of an agent that is not here is a 404 that is not to be retried', async () => {
    const response = await post(ask('hi', { model: 'codex/gpt-9' }))
      .expect(404)
      .expect('x-should-retry', 'false');
    expectEnvelope(response, 'not_found_error', /codex\/gpt-9/);
  });

  it('no two requests have the same id', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => supertest(app.url).get('/healthz')));
    expect(new Set(responses.map((response) => response.headers['request-id'])).size).toBe(20);
  });

  it.each([
    ['bytes that are not HTTP', 'EHLO example.com\r\n\r\n', '400 Bad Request'],
    [
      'headers without end',
      `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(40_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
    ],
  ])('%s are answered in the envelope', async (_, bytes, status) => {
    const answer = await raw(bytes);
    expect(answer).toContain(`HTTP/1.1 ${status}\r\n`);
    const id = /^request-id: (req_\w+)\r$/m.exec(answer)?.[1];
    expect(answer).toContain(`"request_id":"${id}"`);
    expect(answer).toContain('"type":"invalid_request_error"');
  });
});

/** Sends bytes on a connection of their own, and reads until the server closes it. */
function raw(bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(app.url);
    let answer = '';
    connect(Number(port), hostname)
      .on('data', (chunk) => (answer += chunk.toString('latin1')))
      .on('close', () => resolve(answer))
      .on('error', reject)
      .write(bytes);
  });
}
