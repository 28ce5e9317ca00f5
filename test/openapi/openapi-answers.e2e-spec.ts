import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FailureKind, HarnessEvent } from '../../src/domain/harness-event.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { ApiDocument, objectAt } from '../support/openapi.js';
import { ask } from '../support/requests.js';
import { modelCall, type ScriptedRun, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const WORK: readonly HarnessEvent[] = [
  { type: 'thinking-delta', id: 'thought', text: 'Which files?' },
  { type: 'block-end', id: 'thought', signature: 'SIGNED' },
  { type: 'tool-call', id: 'toolu_1', name: 'Bash', server: 'agent', input: { command: 'ls' } },
  { type: 'tool-result', id: 'toolu_1', content: [{ type: 'text', text: '0123456789' }], isError: false },
  ...textBlock('Done.', 'done'),
];
const TOOL = {
  tools: [{ name: 'report', input_schema: { type: 'object', properties: { count: { type: 'integer' } } } }],
  tool_choice: { type: 'tool', name: 'report' },
};
const FAILURES: readonly FailureKind[] = [
  'bad_request',
  'context_too_long',
  'authentication',
  'billing',
  'permission',
  'not_found',
  'rate_limit',
  'overloaded',
  'timeout',
  'not_started',
  'limit_exceeded',
  'internal',
];

let app: TestApp;
let document: ApiDocument;

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = play;
  document = await ApiDocument.of(app.url);
});

afterAll(() => app.close());

/** What the agent does, by its prompt. */
function play(run: ScriptedRun): void {
  const text = readPromptText(run.turn.prompt);
  const failure = FAILURES.find((kind) => text === `fail: ${kind}`);
  if (failure !== undefined) run.fail(failure);
  else if (text === 'fail late') {
    run.say({ type: 'text-delta', id: 'text', text: 'I begin' });
    run.fail('internal');
  } else if (text === 'refuse') {
    run.finish([{ type: 'turn-end', reason: 'refusal', refusal: { category: 'cyber', explanation: 'No.' } }]);
  } else if (text === 'report') run.end(...modelCall(textBlock('{"count":1}')));
  else if (text !== 'wait') run.end(...modelCall(WORK));
}

/** Makes one call and holds its answer against the document. */
async function call(
  id: string,
  values: {
    readonly path?: Readonly<Record<string, string>>;
    readonly query?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: object | string;
    readonly at?: TestApp;
  } = {},
): Promise<supertest.Response> {
  const { path = {}, query = '', headers = {}, body, at = app } = values;
  const operation = document.operations.find((one) => one.id === id);
  if (operation === undefined) throw new Error(`there is no operation ${id}`);
  const { method } = operation;
  if (method !== 'get' && method !== 'post' && method !== 'delete' && method !== 'head') throw new Error(method);
  const url = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(path[name] ?? ''));
  const request = supertest(at.url)[method](`${url}${query}`).set(headers).buffer(true);
  if (body !== undefined) void request.set('content-type', 'application/json').send(body);
  const response = await request;
  expect(document.differences(id, response)).toEqual([]);
  return response;
}

const message = (body: object, headers: Readonly<Record<string, string>> = {}) =>
  call('createMessage', { body, headers });

describe('the document of POST /v1/messages', () => {
  it.each(['whole', 'streaming'])('is true for its own example "%s"', async (name) => {
    const example = objectAt(document.operation('createMessage'), 'requestBody', 'content', 'application/json');
    const body = objectAt(example, 'examples', name, 'value');
    expect((await message({ ...body }, { 'x-chiron-thread-key': `test:example-${name}` })).status).toBe(200);
  });

  it.each(['mcp', 'server', 'text', 'none', 'auto'])(
    'is true for an answer with tools as %s, whole and streamed',
    async (form) => {
      const headers = { 'x-chiron-tool-blocks': form };
      for (const stream of [false, true]) {
        const { status, text } = await message(ask(`work: ${form}`, { stream }), headers);
        expect([status, text]).toEqual([200, expect.stringContaining('Done.')]);
      }
    },
  );

  it.each([false, true])('is true for a call of a forced tool and a refusal (stream: %s)', async (stream) => {
    expect((await message(ask('report', { ...TOOL, stream }))).text).toContain('"tool_use"');
    expect((await message(ask('refuse', { stream }))).text).toContain('"cyber"');
    expect((await message(ask('stop', { stop_sequences: ['on'], stream }))).text).toContain('"stop_sequence":"on"');
  });

  it.each(FAILURES)('is true when the agent fails: %s', async (kind) => {
    expect((await message(ask(`fail: ${kind}`))).status).toBeGreaterThanOrEqual(400);
  });

  it('is true for an error inside of a stream', async () => {
    const { text, status } = await message(ask('fail late', { stream: true }));
    expect([status, text]).toEqual([200, expect.stringContaining('event: error')]);
  });

  it.each<[number, object | string, Readonly<Record<string, string>>]>([
    [400, '{', {}],
    [400, ask('x', { max_tokens: null }), {}],
    [400, ask('x', { stream: 'yes' }), {}],
    [400, ask('x'), { 'x-chiron-tool-blocks': 'poems' }],
    [403, ask('x'), { host: 'evil.example' }],
    [404, ask('x', { thread: { type: 'continue', previous_message_id: 'msg_nobody' } }), {}],
    [415, ask('x'), { 'content-encoding': 'rot13' }],
    [431, ask('x'), { 'x-long': 'x'.repeat(20_000) }],
  ])('is true for a refusal with %i', async (status, body, headers) => {
    expect((await call('createMessage', { body, headers })).status).toBe(status);
  });

  it('is true for a body that is too large', async () => {
    expect((await call('createMessage', { body: JSON.stringify(ask('x'.repeat(33 * 1024 * 1024))) })).status).toBe(413);
  });

  it('is true for a wrong key and for a busy thread', async () => {
    const key = 'a-key-that-is-long-enough-for-chiron';
    const apiKeys = [{ name: 'team', sha256: createHash('sha256').update(key).digest() }];
    const locked = await startTestApp({ apiKeys, onBusy: 'reject' });
    try {
      expect((await call('createMessage', { at: locked, body: ask('x') })).status).toBe(401);
      expect((await call('listSessions', { at: locked })).status).toBe(401);
      const headers = { 'x-api-key': key, 'x-chiron-thread-key': 'test:busy' };
      const first = call('createMessage', { at: locked, headers, body: ask('wait') });
      const run = await locked.harness.run('wait');
      expect((await call('createMessage', { at: locked, headers, body: ask('too soon') })).status).toBe(409);
      run.answer('done');
      expect((await first).status).toBe(200);
    } finally {
      await locked.close();
    }
  });
});

describe('the document of the other routes', () => {
  it('is true for counting tokens, with and without a beta', async () => {
    const body = { model: 'claude-opus-5-5', messages: ask('How many?')['messages'] };
    expect(Object.keys((await call('countTokens', { body })).body)).toEqual(['input_tokens']);
    const headers = { 'anthropic-beta': 'token-counting-2024-11-01' };
    expect((await call('countTokens', { body, headers })).body).toHaveProperty('context_management');
    expect((await call('countTokens', { body: {} })).status).toBe(400);
  });

  it('is true for models', async () => {
    expect((await call('listModels')).body.data).not.toEqual([]);
    expect((await call('listModels', { query: '?limit=1&lifecycle[]=active' })).body.data).toHaveLength(1);
    expect((await call('listModels', { query: '?limit=none' })).status).toBe(400);
    expect((await call('getModel', { path: { id: 'claude-code' } })).status).toBe(200);
    expect((await call('getModel', { path: { id: 'nobody' } })).status).toBe(404);
  });

  it.each<[form: string, headers: Readonly<Record<string, string>>]>([
    ['Anthropic', { 'anthropic-version': '2023-06-01' }],
    ['OpenAI', {}],
  ])('is true for files in the form of %s', async (_, headers) => {
    const path = { fileId: `file_${'0'.repeat(32)}` };
    expect((await call('listFiles', { headers })).status).toBe(200);
    expect((await call('listFiles', { headers, query: '?limit=none' })).status).toBe(400);
    for (const id of ['getFile', 'downloadFile', 'deleteFile']) {
      expect([id, (await call(id, { headers, path })).status]).toEqual([id, 404]);
    }
  });

  it('is true for the routes of operators', async () => {
    for (const id of ['getLiveness', 'getHealth', 'getReadiness', 'getServerInfo', 'hello']) {
      const refused = await call(id, { headers: { 'x-long': 'x'.repeat(20_000) } });
      expect([id, (await call(id)).status, refused.status]).toEqual([id, 200, 431]);
    }
  });

  it('is true for cancelling an unknown message', async () => {
    expect((await call('cancelMessage', { path: { messageId: 'msg_nobody' } })).status).toBe(404);
  });

  it('is true for the life of a session', async () => {
    const path = { threadKey: 'test:life' };
    expect((await call('getSession', { path })).status).toBe(404);
    expect((await call('createSession', { path, body: { harness_type: 'claudecode' } })).status).toBe(200);
    expect((await call('createSession', { path, body: { harness_type: 'demo' } })).status).toBe(409);
    expect((await call('createSession', { path, body: { harness_type: 'abacus' } })).status).toBe(422);
    const messages = [{ role: 'user', parts: [{ type: 'text', text: 'work' }], client_message_id: 'm-1' }];
    expect((await call('appendMessages', { path, body: { messages } })).status).toBe(200);
    expect((await call('appendMessages', { path, body: { messages: [] } })).status).toBe(400);
    const { body } = await call('executeSession', { path, body: {} });
    await call('readEvents', { path, query: `?execution_id=${String(body.execution_id)}` });
    for (const prompt of ['fail: internal', 'wait']) {
      const executed = await call('executeSession', { path, body: { input_lines: [prompt] } });
      expect(executed.status).toBe(200);
      const turn = { ...path, turnId: String(executed.body.execution_id) };
      if (prompt === 'wait') {
        await app.harness.run(prompt);
        expect((await call('executeSession', { path, body: { input_lines: ['more'] } })).status).toBe(409);
        expect((await call('getTurn', { path: turn })).body.message).toBeNull();
        expect((await call('interruptSession', { path })).body.interrupted).toBe(true);
      }
      await call('readEvents', { path, query: `?execution_id=${turn.turnId}` });
      expect((await call('getTurn', { path: turn })).status).toBe(200);
    }
    expect((await call('getSession', { path })).body.turns).toHaveLength(3);
    const history = await call('getHistory', { path, query: '?limit=2&tool_blocks=text' });
    expect([history.body.turns, history.body.next_before]).toMatchObject([[{ sequence: 3 }, { sequence: 2 }], 2]);
    expect((await call('getHistory', { path, query: '?limit=21' })).status).toBe(400);
    expect((await call('listSessions', { query: '?limit=1' })).body.sessions).toHaveLength(1);
    expect((await call('listSessions', { query: '?limit=0' })).status).toBe(400);
    expect((await call('interruptSession', { path })).body.interrupted).toBe(false);
    expect((await call('deleteSession', { path })).status).toBe(200);
    expect((await call('readEvents', { path })).status).toBe(404);
  });

  it.each(['getSession', 'deleteSession', 'readEvents', 'executeSession'])(
    'is true for a bad thread key: %s',
    async (id) => {
      const body = id === 'executeSession' ? { body: {} } : {};
      expect((await call(id, { path: { threadKey: 'nothing' }, ...body })).status).toBe(400);
    },
  );

  it.each(['getSession', 'getModel'])('is true for a path that cannot be decoded: %s', async (id) => {
    const path = document.operations.find((operation) => operation.id === id)?.path.replace(/\{\w+\}/, '%E0%A4%A');
    const response = await supertest(app.url).get(path ?? '');
    expect([response.status, document.differences(id, response)]).toEqual([400, []]);
  });
});
