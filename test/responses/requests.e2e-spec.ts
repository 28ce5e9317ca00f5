import { createHash } from 'node:crypto';
import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import { hello, MODEL, responseOf, user } from './support/responses.js';

let app: TestApp;
afterEach(() => app.close());

async function start(settings: TestSettings = {}) {
  app = await startTestApp(settings);
  return supertest(app.url);
}

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
