import supertest from 'supertest';
import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { HARNESSES } from '../../src/harness/harnesses.js';
import { ask, converse, thread } from '../support/requests.js';
import { SessionReader } from '../support/session-events.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';

let app: TestApp | undefined;
afterEach(async () => {
  await app?.close();
  app = undefined;
});

async function start(settings: TestSettings = {}): Promise<TestApp> {
  app = await startTestApp(settings);
  app.harness.onRun = (run) => run.answer('done');
  return app;
}

const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
  supertest(app?.url ?? '')
    .post('/v1/messages')
    .set(headers)
    .send(body);

describe('the model of an answer', () => {
  const NAMES = [
    'us.anthropic.claude-haiku-4-5-20251001-v1:0',
    'arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-haiku-4-5-20251001-v1:0',
    'claude-haiku-4-5@20251001',
    'claude-code/any/gateway-name',
  ];

  it.each(NAMES)('is %s, which the agent is asked for as it is', async (model) => {
    const { harness } = await start({ unknownModels: 'refuse' });
    const isKnown = model.startsWith('claude-');
    if (!isKnown) harness.knowsModel = () => true;
    const answer = await post(ask('hello', { model })).expect(200);
    expect(answer.body).toMatchObject({ model });
    expect(harness.opened.at(-1)?.model).toBe(model.replace(/^claude-code\//, ''));
  });

  it('is the agent’s name where its default model runs, in every form of the answer', async () => {
    const { url } = await start();
    const model = 'my-favourite';
    expect((await post(ask('one', { model }), thread('default'))).body).toMatchObject({ model: 'claude-code' });
    const stream = SseClient.post(url, ask('two', { model, stream: true }), thread('default'));
    await stream.done();
    expect(stream.events[0]).toMatchObject({ type: 'message_start', message: { model: 'claude-code' } });
    const session = await supertest(url).get(`/api/session/${thread('default')['x-chiron-thread-key']}`);
    expect(session.body).toMatchObject({ model: 'claude-code' });
    const turns = (session.body as { readonly turns: readonly { readonly execution_id: string }[] }).turns;
    const path = `/api/session/${thread('default')['x-chiron-thread-key']}/events?execution_id=${turns.at(-1)?.execution_id}`;
    const { text } = await SessionReader.open(`${url}${path}`).done();
    expect(text).toMatch(/thread\/started.*"model":"claude-code"/);
    expect(text).not.toContain(model);
    for (const max_tokens of [0, 1]) {
      expect((await post(ask('probe', { model, max_tokens }))).body).toMatchObject({ model: 'claude-code' });
    }
  });

  it('is the agent’s name where a route leads a name to an agent that does not know it', async () => {
    const { modelRoutes } = readConfig({ CHIRON_MODEL_ROUTES: 'gpt-*=claude-code' }, HARNESSES);
    await start(modelRoutes === undefined ? {} : { modelRoutes });
    expect((await post(ask('hello', { model: 'gpt-9' }))).body).toMatchObject({ model: 'claude-code' });
  });

  it('leads to the same thread as the name that was asked for', async () => {
    await start();
    const first = await post(ask('one', { model: 'my-favourite', thread: { type: 'create' } })).expect(200);
    const previous = (first.body as { readonly id: string }).id;
    const goOn = { thread: { type: 'continue', previous_message_id: previous } };
    await post(ask('two', { model: 'another', ...goOn })).expect(400, /thread_fingerprint_mismatch/);
    await post(ask('two', { model: 'claude-code', ...goOn })).expect(200);
    const key = (await post(ask('alone', { model: 'my-favourite' })).expect(200)).headers['x-chiron-thread-key'];
    const next = await post(converse(['alone', 'done', 'more'], { model: 'claude-code' })).expect(200);
    expect(next.headers['x-chiron-thread-key']).toBe(key);
  });
});

describe('the demo agent beside another agent', () => {
  const refused = {
    type: 'error',
    error: { type: 'not_found_error', message: expect.stringContaining('is not available here') },
  };

  it.each(['demo', 'demo/x', 'demo/'])('is unavailable as %s', async (model) => {
    await start({ demo: 'auto' });
    for (const more of [{}, { stream: true }, { max_tokens: 1 }, { max_tokens: 0 }]) {
      expect((await post(ask('!id', { model, ...more })).expect(404)).body).toMatchObject(refused);
    }
    expect(await app?.count('threads')).toBe(0);
  });

  it('is reached by no route, and is not listed', async () => {
    const { modelRoutes } = readConfig({ CHIRON_MODEL_ROUTES: 'shell=demo,*-shell=demo' }, HARNESSES);
    const { url } = await start({ demo: 'auto', ...(modelRoutes === undefined ? {} : { modelRoutes }) });
    for (const model of ['shell', 'a-shell']) await post(ask('!id', { model })).expect(404);
    const list = await supertest(url).get('/v1/models').expect(200);
    expect((list.body as { data: readonly { id: string }[] }).data.map(({ id }) => id)).toEqual(['claude-code']);
    await supertest(url).get('/v1/models/demo').expect(404);
  });

  it('is no harness type of a session', async () => {
    const { url } = await start({ demo: 'auto' });
    const create = (body: object) => supertest(url).post('/api/session/test:demo').send(body);
    await create({ harness_type: 'demo' }).expect(422, /not available on this server: demo/);
    await create({ harness_type: 'claudecode' }).expect(200);
    await create({ harness_type: 'demo', on_harness_conflict: 'restart' }).expect(
      422,
      /not available on this server: demo/,
    );
  });

  it('does not continue a thread that it had before it was turned off', async () => {
    const { dataDirectory, app: first } = await start({ demo: 'on' });
    await post(ask('hello', { model: 'demo' }), thread('old')).expect(200);
    await app?.close({ keepData: true });
    expect(first).toBeDefined();
    const { url } = await start({ demo: 'off', dataDirectory });
    expect((await post(ask('!id', { model: 'demo' }), thread('old')).expect(404)).body).toMatchObject(refused);
    expect((await post(ask('!id'), thread('old')).expect(404)).body).toMatchObject(refused);
    const session = `/api/session/${thread('old')['x-chiron-thread-key']}`;
    const line = JSON.stringify({ type: 'user', message: { role: 'user', content: '!id' } });
    await supertest(url)
      .post(`${session}/execute`)
      .send({ input_lines: [line] })
      .expect(422, /not available on this server: demo/);
  });
});
