import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { outputTextOf, parseResponseEvents, ResponseReader } from '../support/response-stream.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { hello, MODEL, responseOf } from './support/responses.js';

let app: TestApp;
afterEach(() => app.close());

async function start() {
  app = await startTestApp();
  return supertest(app.url);
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
