import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import {
  assistant,
  completionOf,
  contentOf,
  hello,
  MODEL,
  PATH,
  say,
  streamFrom,
  user,
} from './support/completions.js';

let app: TestApp;
afterEach(() => app.close());

async function start(settings: TestSettings = {}) {
  app = await startTestApp(settings);
  return supertest(app.url);
}

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
    const first = streamFrom(app, hello, key);
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
