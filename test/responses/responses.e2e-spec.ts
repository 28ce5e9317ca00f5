import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import type { ResponseObject } from '../../src/responses/wire/response-object.js';
import { outputTextOf, parseResponseEvents, ResponseReader } from '../support/response-stream.js';
import { ask } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

let app: TestApp;
afterEach(() => app.close());

async function start(settings: TestSettings = {}) {
  app = await startTestApp(settings);
  return supertest(app.url);
}

const MODEL = 'claude-opus-5-5';
const hello = { model: MODEL, input: 'hello' };
const user = (text: string) => ({ role: 'user', content: text });

/** The response in a body of JSON. */
function responseOf({ body }: { readonly body: unknown }): ResponseObject {
  return body as ResponseObject;
}

describe('a request for JSON', () => {
  it('gets the whole response of a turn', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.end(...modelCall(textBlock('Hello, too.')));
    const answer = await server
      .post('/v1/responses')
      .send({ ...hello, metadata: { a: 'b' } })
      .expect(200)
      .expect('content-type', /^application\/json/);
    expect(answer.body).toMatchObject({
      id: expect.stringMatching(/^resp_[\da-f]{24}$/) as string,
      object: 'response',
      status: 'completed',
      model: MODEL,
      error: null,
      metadata: { a: 'b' },
      output: [{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Hello, too.' }] }],
      usage: { input_tokens: 119, output_tokens: 5, total_tokens: 124 },
    });
    expect(answer.headers['x-request-id']).toBe(answer.headers['request-id']);
    expect(answer.headers['x-chiron-thread-key']).toMatch(/^api:/);
  });

  it.each([
    ['bad_request', 400, 'invalid_prompt', 'false'],
    ['context_too_long', 400, 'context_length_exceeded', 'false'],
    ['authentication', 500, 'invalid_prompt', 'false'],
    ['billing', 429, 'insufficient_quota', 'false'],
    ['rate_limit', 429, 'rate_limit_exceeded', undefined],
    ['overloaded', 503, 'server_is_overloaded', undefined],
    ['internal', 500, 'server_error', undefined],
  ] as const)('gets a failure of kind %s as status %i', async (kind, status, code, retries) => {
    const server = await start();
    app.harness.onRun = (run) => run.fail(kind, 'Sorry.');
    const { body, headers } = await server.post('/v1/responses').send(hello).expect(status);
    expect(body).toEqual({
      error: {
        message: expect.stringMatching(/\w/) as string,
        type: expect.any(String) as string,
        param: null,
        code,
      },
    });
    expect(headers['x-should-retry']).toBe(retries);
  });

  it('gets JSON that follows its schema', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('{"city":"Paris"}');
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const text = { format: { type: 'json_schema', name: 'place', schema } };
    const answer = responseOf(
      await server
        .post('/v1/responses')
        .send({ ...hello, text })
        .expect(200),
    );
    expect(outputTextOf(answer)).toBe('{"city":"Paris"}');
    expect(answer.text.format).toEqual(text.format);
    expect(app.harness.runs[0]?.turn.outputSchema).toEqual(schema);
  });
});

describe('a streamed request', () => {
  it('gets the beginning before the agent says anything, and the text as it comes', async () => {
    await start();
    const reader = ResponseReader.post(app.url, hello);
    await reader.sees('response.in_progress');
    expect(reader.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const run = await app.harness.run('hello');
    run.say({ type: 'text-delta', id: 'a', text: 'Hel' });
    await reader.sees('"delta":"Hel"');
    run.say({ type: 'text-delta', id: 'a', text: 'lo.' });
    run.end({ type: 'block-end', id: 'a' });
    await reader.done();
    expect(outputTextOf(reader.response)).toBe('Hello.');
    expect(reader.events[0]).toMatchObject({ type: 'response.created', response: { id: reader.response.id } });
    expect(reader.events.map((event) => event.sequence_number)).toEqual(reader.events.map((_, place) => place));
  });

  it('gets a failure as an event', async () => {
    await start();
    app.harness.onRun = (run) => run.fail('overloaded', 'Too much.');
    const reader = await ResponseReader.post(app.url, hello).done();
    expect(reader.status).toBe(200);
    expect(reader.response).toMatchObject({
      status: 'failed',
      error: { code: 'server_is_overloaded', message: 'Too much.' },
    });
  });

  it('that is sent again after its connection broke gets the same turn from its beginning', async () => {
    await start();
    const request = { ...hello, conversation: 'conv_1' };
    const first = ResponseReader.post(app.url, request);
    const run = await app.harness.run('hello');
    run.text('One.');
    await first.sees('"delta":"One."');
    first.leave();
    const again = ResponseReader.post(app.url, request);
    await again.sees('"delta":"One."');
    run.end(...textBlock(' Two.', 'b'));
    await again.done();
    expect(outputTextOf(again.response)).toBe('One. Two.');
    expect(again.headers.get('x-chiron-history')).toBe('attached');
    expect(await app.count('turns')).toBe(1);
  });

  it('gets the numbers that other readers got, also where an attempt died', async () => {
    await start();
    const request = { ...hello, conversation: 'conv_1' };
    const live = ResponseReader.post(app.url, request);
    const run = await app.harness.run('hello');
    run.say({ type: 'text-delta', id: 'a', text: 'Half a sen' });
    await live.sees('Half a sen');
    run.fail('process_died');
    const resumed = await app.harness.run('hello', 2);
    const late = ResponseReader.post(app.url, request);
    await late.sees('response.in_progress');
    resumed.answer('A sentence.');
    await Promise.all([live.done(), late.done()]);
    expect(late.events).toEqual(live.events);
    expect(outputTextOf(late.response)).toBe('A sentence.');
  });
});

describe('the thread of a request', () => {
  it('is that of the response that it continues, and the agent gets only what is new', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const first = responseOf(await server.post('/v1/responses').send(hello).expect(200));
    const next = await server
      .post('/v1/responses')
      .send({ model: MODEL, input: 'and now?', previous_response_id: first.id })
      .expect(200);
    expect(next.body).toMatchObject({ previous_response_id: first.id });
    expect(app.harness.runs.map(({ thread }) => thread.id)).toEqual([
      app.harness.runs[0]?.thread.id,
      app.harness.runs[0]?.thread.id,
    ]);
    expect(app.harness.runsOf('and now?')).toHaveLength(1);
  });

  it('is a new one with the conversation so far where it continues an older response', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer(`Answer to ${readPromptText(run.turn.prompt)}.`);
    const post = async (input: string, previous?: string) =>
      server
        .post('/v1/responses')
        .send({ model: MODEL, input, previous_response_id: previous ?? null })
        .expect(200);
    const first = responseOf(await post('one'));
    const second = responseOf(await post('two', first.id));
    await post('three', second.id);
    const branched = await post('another two', first.id);
    expect(branched.headers['x-chiron-history']).toBe('seeded');
    expect(app.harness.runsOf('another two')[0]?.turn.seed).toMatchObject([
      { role: 'user', content: [{ text: 'one' }] },
      { role: 'assistant', content: [{ text: 'Answer to one.' }] },
    ]);
    expect(responseOf(branched).previous_response_id).toBe(first.id);
    const after = await post('another three', responseOf(branched).id);
    expect(after.headers['x-chiron-history']).toBe('continued');
    expect(after.headers['x-chiron-thread-key']).toBe(branched.headers['x-chiron-thread-key']);
    expect(await app.count('threads')).toBe(2);
  });

  it('of a branch is found by a retry', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const first = responseOf(await server.post('/v1/responses').send(hello).expect(200));
    const next = { model: MODEL, previous_response_id: first.id };
    await server
      .post('/v1/responses')
      .send({ ...next, input: 'two' })
      .expect(200);
    app.harness.onRun = () => undefined;
    const branch = { ...next, input: 'another two' };
    const left = ResponseReader.post(app.url, branch);
    const run = await app.harness.run('another two');
    await left.sees('response.in_progress');
    left.leave();
    const again = ResponseReader.post(app.url, branch);
    await again.sees('response.in_progress');
    run.answer('Yes, again.');
    await again.done();
    expect(outputTextOf(again.response)).toBe('Yes, again.');
    expect(await app.count('turns')).toBe(3);
  });

  it('is that of its conversation', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    for (const input of ['one', 'two']) {
      const answer = await server
        .post('/v1/responses')
        .send({ model: MODEL, input, conversation: { id: 'conv_a' } })
        .expect(200);
      expect(answer.body).toMatchObject({ conversation: { id: 'conv_a' } });
      expect(answer.headers['x-chiron-thread-key']).toBe('api:conversation:conv_a');
    }
    expect(await app.count('threads')).toBe(1);
  });

  it('is found by the whole conversation, with the items of the answer as they were given', async () => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        ...textBlock('I look.', 'a'),
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        { type: 'tool-result', id: 't', content: [{ type: 'text', text: 'a' }], isError: false },
        ...textBlock('One file.', 'b'),
      );
    const first = responseOf(
      await server
        .post('/v1/responses')
        .send({ model: MODEL, input: [user('hello')] })
        .expect(200),
    );
    const input = [user('hello'), ...first.output, user('and now?')];
    const next = await server.post('/v1/responses').send({ model: MODEL, input }).expect(200);
    expect(next.headers['x-chiron-history']).toBe('continued');
    const [message, , last] = first.output;
    const references = [message, last].map((item) => ({ type: 'item_reference', id: item?.id }));
    const other = [user('hello'), ...references, user('or this?')];
    expect(responseOf(await server.post('/v1/responses').send({ model: MODEL, input: other }).expect(200)).status).toBe(
      'completed',
    );
    expect(await app.count('threads')).toBe(2);
  });

  it('is the same as in the Messages API', async () => {
    const server = await start();
    await server
      .post('/v1/responses')
      .set('x-chiron-thread-key', 'test:both')
      .send({ model: 'demo', input: 'hello' })
      .expect(200);
    const { text } = await server
      .post('/v1/messages')
      .set('x-chiron-thread-key', 'test:both')
      .send(ask('and now?', { model: 'demo' }))
      .expect(200);
    expect(text).toContain('This is turn 2 of this thread.');
  });

  it('has the instructions of its first request', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const input = [{ role: 'developer', content: 'Be kind.' }, user('hello')];
    await server.post('/v1/responses').send({ model: MODEL, instructions: 'Be brief.', input }).expect(200);
    expect(app.harness.opened[0]?.systemPrompt).toBe('Be brief.\n\nBe kind.');
    expect(app.harness.runsOf('hello')).toHaveLength(1);
  });
});

describe('a wrong request', () => {
  it.each<[string, object | string, number, string | null, RegExp]>([
    ['no JSON', '{', 400, null, /not valid JSON/],
    ['no model', { input: 'x' }, 400, 'model', /Field required/],
    ['no input', { model: MODEL }, 400, 'input', /must be a text, or a list/],
    ['an empty input', { model: MODEL, input: [] }, 400, 'input', /must be a text, or a list/],
    [
      'no message of the user',
      { model: MODEL, input: [{ role: 'assistant', content: 'x' }] },
      400,
      'input',
      /must end with a message of the user/,
    ],
    [
      'an unknown part',
      { model: MODEL, input: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
      400,
      'input[0].content[0].type',
      /must be input_text/,
    ],
    [
      'a file without anything',
      { model: MODEL, input: [{ role: 'user', content: [{ type: 'input_file' }] }] },
      400,
      'input[0].content[0].file_id',
      /must be a string/,
    ],
    ['a wrong role', { model: MODEL, input: [{ role: 'robot', content: 'x' }] }, 400, 'input[0].role', /must be user/],
    ['a stored prompt', { model: MODEL, input: 'x', prompt: { id: 'p' } }, 400, 'prompt', /not supported/],
    [
      'two ways to name its thread',
      { ...hello, conversation: 'c', previous_response_id: 'resp_1' },
      400,
      'previous_response_id',
      /together with conversation/,
    ],
    [
      'an unknown response before it',
      { ...hello, previous_response_id: 'resp_none' },
      404,
      'previous_response_id',
      /there is no response resp_none/,
    ],
    [
      'a malformed response before it',
      { ...hello, previous_response_id: 'x' },
      404,
      'previous_response_id',
      /there is no response x/,
    ],
    [
      'an unknown item',
      { model: MODEL, input: [{ type: 'item_reference', id: 'msg_1_0' }, user('x')] },
      404,
      'input',
      /there is no item msg_1_0/,
    ],
    ['an unknown model', { model: 'codex/x', input: 'x' }, 404, 'model', /not available/],
    [
      'a wrong schema',
      { ...hello, text: { format: { type: 'json_schema', schema: { $ref: '#/nowhere' } } } },
      400,
      'text.format.schema',
      /unresolvable/,
    ],
    ['a wrong format', { ...hello, text: { format: { type: 'xml' } } }, 400, 'text.format.type', /must be text/],
    ['a required call without tools', { ...hello, tool_choice: 'required' }, 400, 'tool_choice', /no function/],
  ])(
    'with %s gets an error that names the field, and leaves nothing behind',
    async (_, body, status, param, message) => {
      const server = await start();
      const answer = await server
        .post('/v1/responses')
        .set('content-type', 'application/json')
        .send(body)
        .expect(status);
      expect(answer.body).toEqual({
        error: {
          message: expect.stringMatching(message) as string,
          type: 'invalid_request_error',
          param,
          code: answer.body.error.code,
        },
      });
      expect([await app.count('threads'), await app.count('turns')]).toEqual([0, 0]);
    },
  );

  it('continues no response that was continued already, on the thread that it names', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const key = { 'x-chiron-thread-key': 'test:named' };
    const first = responseOf(await server.post('/v1/responses').set(key).send(hello).expect(200));
    const next = (input: string) =>
      server.post('/v1/responses').set(key).send({ model: MODEL, input, previous_response_id: first.id });
    await next('two').expect(200);
    const { body } = await next('three').expect(400);
    expect(body).toMatchObject({ error: { param: 'previous_response_id', code: 'thread_already_continued' } });
  });

  it('without a key is refused, and one with the key of another tenant finds nothing', async () => {
    const keys = ['one', 'other'].map((name) => ({ name, sha256: createHash('sha256').update(name).digest() }));
    const server = await start({ apiKeys: keys });
    const { body } = await server.post('/v1/responses').send(hello).expect(401);
    expect(body).toMatchObject({ error: { code: 'invalid_api_key' } });
    app.harness.onRun = (run) => run.answer('Yes.');
    const mine = await server.post('/v1/responses').set('authorization', 'Bearer one').send(hello).expect(200);
    const { id } = responseOf(mine);
    await server.get(`/v1/responses/${id}`).set('authorization', 'Bearer other').expect(404);
    await server.get(`/v1/responses/${id}`).set('authorization', 'Bearer one').expect(200);
  });

  it('by another method than POST is refused', async () => {
    const server = await start();
    await server.put('/v1/responses').expect(405);
    await server.get('/v1/responses').expect(426);
  });
});

describe('a busy thread', () => {
  it('is told of in the form of this API', async () => {
    const server = await start({ onBusy: 'reject' });
    const request = { ...hello, conversation: 'c' };
    const first = ResponseReader.post(app.url, request);
    const run = await app.harness.run('hello');
    const { body, headers } = await server
      .post('/v1/responses')
      .send({ ...request, input: 'more' })
      .expect(409);
    expect(body).toMatchObject({ error: { code: 'conflict', message: 'The thread is busy with another message.' } });
    expect(headers['retry-after']).toBe('5');
    run.answer('done');
    await first.done();
  });
});

describe('tools of the caller', () => {
  const tools = [
    { type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } },
    { type: 'web_search' },
  ];

  it('are called by the agent, which goes on with their outputs', async () => {
    const server = await start();
    const asking = server.post('/v1/responses').send({ ...hello, tools });
    const [first] = await Promise.all([
      asking,
      app.harness.run('hello').then((run) => {
        expect(run.turn.callerTools?.tools.map(({ name }) => name)).toEqual(['weather']);
        run.finish([
          { type: 'caller-tool-call', id: 'call_1', name: 'weather', input: { city: 'Paris' } },
          { type: 'turn-end', reason: 'tool_use' },
        ]);
      }),
    ]);
    const { id, output } = responseOf(first);
    expect(output).toMatchObject([
      { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Paris"}' },
    ]);
    app.harness.onRun = (run) => run.answer('It rains.');
    const wrong = await server
      .post('/v1/responses')
      .send({
        model: MODEL,
        tools,
        previous_response_id: id,
        input: [{ type: 'function_call_output', call_id: 'call_9', output: 'x' }],
      })
      .expect(400);
    expect(wrong.body).toMatchObject({
      error: { message: expect.stringContaining('call_9') as string, param: 'input' },
    });
    const next = await server
      .post('/v1/responses')
      .send({
        model: MODEL,
        tools,
        previous_response_id: id,
        input: [{ type: 'function_call_output', call_id: 'call_1', output: 'rain' }],
      })
      .expect(200);
    expect(outputTextOf(responseOf(next))).toBe('It rains.');
    const turn = app.harness.runs.at(-1)?.turn;
    expect(turn?.toolResults).toMatchObject([{ callId: 'call_1', content: [{ type: 'text', text: 'rain' }] }]);
  });

  it('are not offered where tool_choice is none, and the response is a call where it requires one', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer(run.turn.outputSchema === undefined ? 'Hello.' : '{}');
    await server
      .post('/v1/responses')
      .send({ ...hello, tools, tool_choice: 'none' })
      .expect(200);
    expect(app.harness.runs[0]?.turn.callerTools).toBeUndefined();
    const answer = await server
      .post('/v1/responses')
      .send({ ...hello, input: 'again', tools, tool_choice: { type: 'function', name: 'weather' } })
      .expect(200);
    expect(responseOf(answer).output).toMatchObject([{ type: 'function_call', name: 'weather', arguments: '{}' }]);
  });
});

describe('the agent’s tools', () => {
  it('are items that no client runs, or lines of text where the caller wants them', async () => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        ...textBlock('Done.'),
      );
    const items = responseOf(await server.post('/v1/responses').send(hello).expect(200)).output;
    expect(items.map(({ type }) => type)).toEqual(['mcp_call', 'message']);
    const lines = await server
      .post('/v1/responses')
      .set('x-chiron-tool-blocks', 'text')
      .send({ ...hello, input: 'two' })
      .expect(200);
    expect(outputTextOf(responseOf(lines))).toBe('Bash(ls)Done.');
    const none = await server
      .post('/v1/responses')
      .set('x-chiron-tool-blocks', 'none')
      .send({ ...hello, input: 'three' })
      .expect(200);
    expect(responseOf(none).output).toHaveLength(1);
    await server.post('/v1/responses').set('x-chiron-tool-blocks', 'neon').send(hello).expect(400);
  });
});

describe('events of a response', () => {
  it('are those that a program can parse', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('a\u2028b');
    const { text } = await server
      .post('/v1/responses')
      .send({ ...hello, stream: true })
      .expect(200);
    expect(text).not.toContain('\u2028');
    expect(parseResponseEvents(text)).toHaveLength(9);
  });
});
