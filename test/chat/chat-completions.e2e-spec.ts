import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import type { Completion } from '../../src/chat/wire/completion.js';
import { ApiDocument, eventData } from '../support/openapi.js';
import { ResponseReader } from '../support/response-stream.js';
import { ask } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

let app: TestApp;
afterEach(() => app.close());

async function start(settings: TestSettings = {}) {
  app = await startTestApp(settings);
  return supertest(app.url);
}

const PATH = '/v1/chat/completions';
const MODEL = 'claude-opus-5-5';
const user = (content: string | readonly object[]) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });
const say = (...texts: readonly string[]) => ({ model: MODEL, messages: texts.map(user) });
const hello = say('hello');

interface Chunk {
  readonly choices: readonly { readonly delta: { readonly content?: string }; readonly finish_reason: string | null }[];
  readonly usage?: object | null;
}

function completionOf({ body }: { readonly body: unknown }): Completion {
  return body as Completion;
}

function contentOf(answer: { readonly body: unknown }): string | null {
  return completionOf(answer).choices[0].message.content;
}

const chunksOf = (text: string): readonly Chunk[] => eventData(text) as readonly Chunk[];
const streamedText = (text: string): string =>
  chunksOf(text)
    .flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ''))
    .join('');

function stream(body: object, headers: Readonly<Record<string, string>> = {}): ResponseReader {
  return ResponseReader.open(`${app.url}${PATH}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ ...body, stream: true }),
  });
}

describe('a request for JSON', () => {
  it('gets the whole answer of a turn', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.end(...modelCall(textBlock('Hello, too.')));
    const answer = await server
      .post(PATH)
      .send(hello)
      .expect(200)
      .expect('content-type', /^application\/json/);
    expect(answer.body).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-[\da-f]{24}$/) as string,
      object: 'chat.completion',
      model: MODEL,
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello, too.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 119, completion_tokens: 5, total_tokens: 124 },
    });
    expect(answer.headers['x-request-id']).toBe(answer.headers['request-id']);
    expect(answer.headers['x-chiron-thread-key']).toMatch(/^api:/);
    // The turn is known to the other doors by the same id.
    const id = completionOf(answer).id.replace('chatcmpl-', 'resp_');
    await server.get(`/v1/responses/${id}`).expect(200);
  });

  it.each([
    ['bad_request', 400, 'invalid_prompt', 'false'],
    ['context_too_long', 400, 'context_length_exceeded', 'false'],
    ['authentication', 500, 'invalid_prompt', 'false'],
    ['billing', 429, 'insufficient_quota', 'false'],
    ['rate_limit', 429, 'rate_limit_exceeded', undefined],
    ['overloaded', 503, 'server_is_overloaded', undefined],
    ['internal', 500, 'server_error', undefined],
  ] as const)('gets a failure of kind %s as status %i, whole and streamed', async (kind, status, code, retries) => {
    const server = await start();
    app.harness.onRun = (run) => run.fail(kind, 'Sorry.');
    for (const isStream of [false, true]) {
      const { body, headers } = await server
        .post(PATH)
        .send({ ...hello, stream: isStream })
        .expect(status);
      expect(body).toEqual({
        error: {
          message: expect.stringMatching(/\w/) as string,
          type: expect.any(String) as string,
          param: null,
          code,
        },
      });
      expect(headers['x-should-retry']).toBe(retries);
    }
  });

  it('gets JSON that follows its schema, without lines for tools', async () => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        ...modelCall(textBlock('{"city":"Paris"}')),
      );
    const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
    const format = { type: 'json_schema', json_schema: { name: 'place', schema, strict: true } };
    const answer = await server
      .post(PATH)
      .send({ ...hello, response_format: format })
      .expect(200);
    expect(contentOf(answer)).toBe('{"city":"Paris"}');
    expect(app.harness.runs[0]?.turn.outputSchema).toEqual(schema);
  });
});

describe('a streamed request', () => {
  it('gets the text as it comes, and the usage where it asks for it', async () => {
    await start();
    const reader = stream({ ...hello, stream_options: { include_usage: true } });
    const run = await app.harness.run('hello');
    run.say({ type: 'text-delta', id: 'a', text: 'Hel' });
    await reader.sees('"content":"Hel"');
    run.say({ type: 'text-delta', id: 'a', text: 'lo\u2028.' });
    run.end({ type: 'block-end', id: 'a' }, ...modelCall([]));
    await reader.done();
    expect(reader.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(streamedText(reader.text)).toBe('Hello\u2028.');
    expect(reader.text).not.toContain('\u2028');
    const chunks = chunksOf(reader.text);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 124 } });
    expect(chunks.at(-2)).toMatchObject({ choices: [{ delta: {}, finish_reason: 'stop' }], usage: null });
    expect(reader.text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it('gets a failure in the middle as an error, and no mark of an end', async () => {
    await start();
    const reader = stream(hello);
    const run = await app.harness.run('hello');
    run.say({ type: 'text-delta', id: 'a', text: 'I begin' });
    await reader.sees('I begin');
    run.fail('overloaded', 'Too much.');
    await reader.done();
    expect(reader.text).toMatch(/data: \{"error":\{"message":"Too much\.".*"code":"server_is_overloaded"\}\}\n\n$/);
  });

  it('that is sent again after its connection broke gets the same turn from its beginning', async () => {
    await start();
    const first = stream(hello);
    const run = await app.harness.run('hello');
    run.text('One.');
    await first.sees('"content":"One."');
    first.leave();
    const again = stream(hello);
    await again.sees('"content":"One."');
    run.end(...textBlock(' Two.', 'b'));
    await again.done();
    expect(streamedText(again.text)).toBe('One.\n\n Two.');
    expect(again.headers.get('x-chiron-history')).toBe('attached');
    expect(await app.count('turns')).toBe(1);
  });

  it('with the idempotency key of a turn attaches to it, whatever it says', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const key = { 'idempotency-key': 'k', 'x-chiron-thread-key': 'test:key' };
    const ids = [];
    for (const text of ['one', 'two']) ids.push(completionOf(await server.post(PATH).set(key).send(say(text))).id);
    expect(ids[1]).toBe(ids[0]);
    expect(await app.count('turns')).toBe(1);
  });

  it('ends before a stop sequence, and its agent is interrupted', async () => {
    await start();
    const reader = stream({ ...hello, stop: 'STOP' });
    const run = await app.harness.run('hello');
    run.say({ type: 'text-delta', id: 'a', text: 'one ST' });
    await reader.sees('"content":"one "');
    run.say({ type: 'text-delta', id: 'a', text: 'OP two' });
    await reader.done();
    expect(streamedText(reader.text)).toBe('one ');
    expect(run.interrupted).toBe(true);
  });
});

describe('the thread of a request', () => {
  it('is found by what was said, also with the lines of tools', async () => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        ...textBlock('I look.', 'a'),
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        { type: 'tool-result', id: 't', content: [{ type: 'text', text: 'a' }], isError: false },
        ...textBlock('One file.', 'b'),
      );
    const first = await server.post(PATH).send(hello).expect(200);
    expect(contentOf(first)).toBe('I look.\n\nBash(ls)\n\nOne file.');
    const messages = [user('hello'), completionOf(first).choices[0].message, user('and now?')];
    const next = await server.post(PATH).send({ model: MODEL, messages }).expect(200);
    expect(next.headers['x-chiron-history']).toBe('continued');
    expect(app.harness.runsOf('and now?')).toHaveLength(1);
    const edited = [user('hello'), assistant('Something else.'), user('and now?')];
    const other = await server.post(PATH).send({ model: MODEL, messages: edited }).expect(200);
    expect(other.headers['x-chiron-history']).toBe('seeded');
    expect(await app.count('threads')).toBe(2);
  });

  it('is that of the header, and of a user that is the key of a thread', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    await server.post(PATH).set('x-chiron-thread-key', 'test:a').send(say('one')).expect(200);
    const named = await server
      .post(PATH)
      .send({ ...say('two'), user: 'test:a' })
      .expect(200);
    expect(named.headers).toMatchObject({ 'x-chiron-thread-key': 'test:a', 'x-chiron-history': 'continued' });
    const header = await server
      .post(PATH)
      .set('x-chiron-thread-key', 'test:b')
      .send({ ...say('three'), user: 'test:a' })
      .expect(200);
    expect(header.headers['x-chiron-thread-key']).toBe('test:b');
  });

  it('is another for another user with the same conversation', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const messages = [user('hello'), assistant('Yes.'), user('and now?')];
    for (const name of ['ann', 'bob']) {
      await server
        .post(PATH)
        .send({ ...hello, user: name })
        .expect(200);
    }
    const next = await server.post(PATH).send({ model: MODEL, messages, user: 'ann' }).expect(200);
    expect(next.headers['x-chiron-history']).toBe('continued');
    expect(app.harness.runs.map(({ thread }) => thread.id)).toEqual([
      app.harness.runs[0]?.thread.id,
      app.harness.runs[1]?.thread.id,
      app.harness.runs[0]?.thread.id,
    ]);
    expect(await app.count('threads')).toBe(2);
  });

  it('is the same as in the other APIs', async () => {
    const server = await start();
    const key = { 'x-chiron-thread-key': 'test:all' };
    await server
      .post(PATH)
      .set(key)
      .send({ model: 'demo', messages: [user('one')] })
      .expect(200);
    await server.post('/v1/responses').set(key).send({ model: 'demo', input: 'two' }).expect(200);
    await server
      .post('/v1/messages')
      .set(key)
      .send(ask('three', { model: 'demo' }))
      .expect(200);
    const last = await server
      .post(PATH)
      .set(key)
      .send({ model: 'demo', messages: [user('four')] })
      .expect(200);
    expect(contentOf(last)).toContain('This is turn 4 of this thread.');
  });

  it('has the instructions of its first request; later ones are reminders', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const leading = [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: [{ type: 'text', text: 'Be kind.' }] },
    ];
    await server
      .post(PATH)
      .send({ model: MODEL, messages: [...leading, user('hello')] })
      .expect(200);
    expect(app.harness.opened[0]?.systemPrompt).toBe('Be brief.\n\nBe kind.');
    const messages = [...leading, user('hello'), assistant('Yes.'), { role: 'system', content: 'Now.' }, user('more')];
    await server.post(PATH).send({ model: MODEL, messages }).expect(200);
    const { prompt } = app.harness.runs[1]?.turn ?? {};
    expect(readPromptText(prompt ?? [])).toContain('<system-reminder>\nNow.\n</system-reminder>');
    expect(await app.count('threads')).toBe(1);
  });
});

describe('what a message has', () => {
  it('reaches the agent: texts, images and files', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const content = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=', detail: 'low' } },
      { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,aGk=' } },
    ];
    await server
      .post(PATH)
      .send({ model: MODEL, messages: [user(content)] })
      .expect(200);
    expect(app.harness.runs[0]?.turn.prompt).toEqual([
      { type: 'text', text: 'What is this?' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.png' } },
      {
        type: 'text',
        text: expect.stringMatching(/^\[The user gave the file "a\.pdf" .*uploads\/\S+\/a\.pdf in the workspace\.\]$/),
      },
    ]);
  });
});

describe('tools of the caller', () => {
  const tools = [
    { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } },
    { type: 'custom', custom: { name: 'other' } },
  ];

  it('are called by the agent, several at once, which goes on with their results', async () => {
    const server = await start();
    const asking = server.post(PATH).send({ ...hello, tools });
    const [first] = await Promise.all([
      asking,
      app.harness.run('hello').then((run) => {
        expect(run.turn.callerTools).toMatchObject({ tools: [{ name: 'weather' }], allowsParallelCalls: true });
        run.finish([
          { type: 'caller-tool-call', id: 'call_1', name: 'weather', input: { city: 'Paris' } },
          { type: 'caller-tool-call', id: 'call_2', name: 'weather', input: { city: 'Rome' } },
          { type: 'turn-end', reason: 'tool_use' },
        ]);
      }),
    ]);
    const { message, finish_reason: reason } = completionOf(first).choices[0];
    expect(reason).toBe('tool_calls');
    expect(message).toMatchObject({
      content: null,
      tool_calls: [
        { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } },
        { id: 'call_2', function: { arguments: '{"city":"Rome"}' } },
      ],
    });
    app.harness.onRun = (run) => run.answer('It rains.');
    const goOn = (...ids: readonly string[]) => {
      const results = ids.map((id) => ({ role: 'tool', tool_call_id: id, content: `rain ${id}` }));
      return server.post(PATH).send({ model: MODEL, tools, messages: [user('hello'), message, ...results] });
    };
    const wrong = await goOn('call_1').expect(400);
    expect(wrong.body).toMatchObject({
      error: { message: expect.stringContaining('call_2') as string, param: 'messages' },
    });
    expect(contentOf(await goOn('call_1', 'call_2').expect(200))).toBe('It rains.');
    expect(app.harness.runs.at(-1)?.turn.toolResults).toMatchObject([
      { callId: 'call_1', content: [{ type: 'text', text: 'rain call_1' }] },
      { callId: 'call_2' },
    ]);
    expect(await app.count('threads')).toBe(1);
  });

  it('are not offered where tool_choice is none, and the answer is a call where it requires one', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer(run.turn.outputSchema === undefined ? 'Hello.' : '{}');
    await server
      .post(PATH)
      .send({ ...hello, tools, tool_choice: 'none' })
      .expect(200);
    expect(app.harness.runs[0]?.turn.callerTools).toBeUndefined();
    const choice = { type: 'function', function: { name: 'weather' } };
    const answer = await server
      .post(PATH)
      .send({ ...say('again'), tools, tool_choice: choice })
      .expect(200);
    expect(completionOf(answer).choices[0]).toMatchObject({
      message: { content: null, tool_calls: [{ function: { name: 'weather', arguments: '{}' } }] },
      finish_reason: 'tool_calls',
    });
    expect(app.harness.runs[1]?.turn.outputSchema).toEqual({ type: 'object', properties: {} });
  });
});

describe('the agent’s tools', () => {
  it.each([
    ['text', 'Bash(ls)\n\nDone.'],
    ['mcp', 'Bash(ls)\n\nDone.'],
    ['none', 'Done.'],
  ])('with the setting %s are shown as %j', async (form, content) => {
    const server = await start();
    app.harness.onRun = (run) =>
      run.end(
        { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'ls' } },
        ...textBlock('Done.'),
      );
    expect(contentOf(await server.post(PATH).set('x-chiron-tool-blocks', form).send(hello).expect(200))).toBe(content);
    await server.post(PATH).set('x-chiron-tool-blocks', 'neon').send(hello).expect(400);
  });
});

describe('a wrong request', () => {
  it.each<[string, object | string, number, string | null, RegExp]>([
    ['no JSON', '{', 400, null, /not valid JSON/],
    ['no model', { messages: [user('x')] }, 400, 'model', /Field required/],
    ['no messages', { model: MODEL }, 400, 'messages', /Field required/],
    ['an empty list', { model: MODEL, messages: [] }, 400, 'messages', /./],
    [
      'no message of the user',
      { model: MODEL, messages: [assistant('x')] },
      400,
      'messages',
      /must end with a message/,
    ],
    ['only instructions', { model: MODEL, messages: [{ role: 'system', content: 'x' }] }, 400, 'messages', /must end/],
    [
      'an unknown part',
      { model: MODEL, messages: [user([{ type: 'input_audio' }])] },
      400,
      'messages[0].content[0].type',
      /must be text/,
    ],
    [
      'a wrong image',
      { model: MODEL, messages: [user([{ type: 'image_url', image_url: { url: 'ftp://x' } }])] },
      400,
      'messages[0].content[0].image_url',
      /http/,
    ],
    [
      'a wrong role',
      { model: MODEL, messages: [{ role: 'function', content: 'x' }] },
      400,
      'messages[0].role',
      /must be/,
    ],
    [
      'a result without its call',
      { model: MODEL, messages: [{ role: 'tool', content: 'x' }] },
      400,
      'messages[0].tool_call_id',
      /string/,
    ],
    ['an unknown model', { ...hello, model: 'codex/x' }, 404, 'model', /not available/],
    [
      'a wrong schema',
      { ...hello, response_format: { type: 'json_schema', json_schema: { schema: { $ref: '#/nowhere' } } } },
      400,
      'response_format.json_schema.schema',
      /unresolvable/,
    ],
    ['a wrong format', { ...hello, response_format: { type: 'xml' } }, 400, 'response_format.type', /must be text/],
    ['a required call without tools', { ...hello, tool_choice: 'required' }, 400, 'tool_choice', /no function/],
    [
      'a tool without a name',
      { ...hello, tools: [{ type: 'function', function: {} }] },
      400,
      'tools[0].function.name',
      /string/,
    ],
    ['several answers', { ...hello, n: 2 }, 400, 'n', /must be 1/],
    ['the older form of tools', { ...hello, functions: [] }, 400, 'functions', /use tools/],
    ['sound', { ...hello, modalities: ['text', 'audio'] }, 400, 'modalities', /text/],
    ['too many stops', { ...hello, stop: ['a', 'b', 'c', 'd', 'e'] }, 400, 'stop', /up to 4/],
    ['a stop that is no text', { ...hello, stop: 1 }, 400, 'stop', /texts/],
  ])(
    'with %s gets an error that names the field, and leaves nothing behind',
    async (_, body, status, param, message) => {
      const server = await start();
      const answer = await server.post(PATH).set('content-type', 'application/json').send(body).expect(status);
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

  it('without a key is refused', async () => {
    const server = await start({ apiKeys: [{ name: 'one', sha256: createHash('sha256').update('one').digest() }] });
    const { body } = await server.post(PATH).send(hello).expect(401);
    expect(body).toMatchObject({ error: { code: 'invalid_api_key' } });
  });

  it('by another method than POST is refused', async () => {
    const server = await start();
    await server.get(PATH).expect(405);
    const { body } = await server.get('/v1/chat').expect(404);
    expect(body).toMatchObject({ type: 'error' });
  });

  it('on a busy thread is told so in the form of this API', async () => {
    const server = await start({ onBusy: 'reject' });
    const key = { 'x-chiron-thread-key': 'test:busy' };
    const first = stream(hello, key);
    const run = await app.harness.run('hello');
    const { body, headers } = await server.post(PATH).set(key).send(say('more')).expect(409);
    expect(body).toMatchObject({ error: { code: 'conflict', message: 'The thread is busy with another message.' } });
    expect(headers['retry-after']).toBe('5');
    run.answer('done');
    await first.done();
  });
});

describe('fields that an agent decides itself', () => {
  it('change nothing', async () => {
    const server = await start();
    app.harness.onRun = (run) => run.answer('Yes.');
    const ignored = {
      temperature: 0,
      top_p: 0.5,
      max_tokens: 1,
      max_completion_tokens: 2,
      logprobs: true,
      top_logprobs: 3,
      seed: 7,
      n: 1,
      store: true,
      metadata: { a: 'b' },
      reasoning_effort: 'high',
      frequency_penalty: 1,
      logit_bias: {},
      service_tier: 'auto',
      stop: null,
      user: null,
      tools: null,
      modalities: ['text'],
    };
    const answer = await server
      .post(PATH)
      .send({ ...hello, ...ignored })
      .expect(200);
    expect(contentOf(answer)).toBe('Yes.');
    expect(completionOf(answer).choices[0].logprobs).toBeNull();
  });
});

it('The document is true for answers of Chat Completions, whole and streamed, and for errors', async () => {
  const server = await start();
  app.harness.onRun = (run) => {
    const text = readPromptText(run.turn.prompt);
    if (text === 'fail') run.fail('internal');
    else if (text === 'fail late') {
      run.text('I begin.');
      run.fail('internal');
    } else {
      run.end(
        { type: 'thinking-delta', id: 'thought', text: 'Which?' },
        { type: 'block-end', id: 'thought' },
        ...modelCall(textBlock('Done.')),
      );
    }
  };
  const document = await ApiDocument.of(app.url);
  for (const text of ['work', 'fail', 'fail late']) {
    for (const isStream of [false, true]) {
      const body = { ...say(text), stream: isStream, stream_options: { include_usage: true } };
      const answer = await server.post(PATH).send(body).buffer(true);
      expect(document.differences('createChatCompletion', answer)).toEqual([]);
    }
  }
});
