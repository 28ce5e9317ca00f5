import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { ApiDocument } from '../support/openapi.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import {
  chunksOf,
  completionOf,
  contentOf,
  hello,
  MODEL,
  PATH,
  say,
  streamedText,
  streamFrom,
} from './support/completions.js';

let app: TestApp;
afterEach(() => app.close());

async function start() {
  app = await startTestApp();
  return supertest(app.url);
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
    const reader = streamFrom(app, { ...hello, stream_options: { include_usage: true } });
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
    const reader = streamFrom(app, hello);
    const run = await app.harness.run('hello');
    run.say({ type: 'text-delta', id: 'a', text: 'I begin' });
    await reader.sees('I begin');
    run.fail('overloaded', 'Too much.');
    await reader.done();
    expect(reader.text).toMatch(/data: \{"error":\{"message":"Too much\.".*"code":"server_is_overloaded"\}\}\n\n$/);
  });

  it('that is sent again after its connection broke gets the same turn from its beginning', async () => {
    await start();
    const first = streamFrom(app, hello);
    const run = await app.harness.run('hello');
    run.text('One.');
    await first.sees('"content":"One."');
    first.leave();
    const again = streamFrom(app, hello);
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
    const reader = streamFrom(app, { ...hello, stop: 'STOP' });
    const run = await app.harness.run('hello');
    run.say({ type: 'text-delta', id: 'a', text: 'one ST' });
    await reader.sees('"content":"one "');
    run.say({ type: 'text-delta', id: 'a', text: 'OP two' });
    await reader.done();
    expect(streamedText(reader.text)).toBe('one ');
    expect(run.interrupted).toBe(true);
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
