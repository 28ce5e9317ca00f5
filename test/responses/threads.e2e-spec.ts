import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { outputTextOf, ResponseReader } from '../support/response-stream.js';
import { ask } from '../support/requests.js';
import { textBlock } from '../support/scripted-harness.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import { hello, MODEL, responseOf, user } from './support/responses.js';

let app: TestApp;
afterEach(() => app.close());

async function start(settings: TestSettings = {}) {
  app = await startTestApp(settings);
  return supertest(app.url);
}

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
