import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { newStore, testedKinds, type TestStore } from '../../src/storage/__fixtures__/databases.js';
import { eventually } from '../support/eventually.js';
import { ask, converse, thread } from '../support/requests.js';
import type { ScriptedRun } from '../support/scripted-harness.js';
import { SessionReader } from '../support/session-events.js';
import { startTestApp, type TestApp, type TestSettings } from '../support/test-app.js';
import { toSeedText } from '../support/seed-text.js';

const answer = (run: ScriptedRun): void => run.answer(`answer to ${readPromptText(run.turn.prompt)}`);

describe.each(await testedKinds())('a thread on %s', (kind) => {
  let store: TestStore;
  let settings: TestSettings;
  let app: TestApp;

  beforeAll(async () => {
    store = await newStore(kind);
    settings = { dataDirectory: store.options.dataDirectory, databaseUrl: store.options.databaseUrl };
    app = await start();
  });

  afterAll(async () => {
    await app.close({ keepData: true });
    await store.remove();
  });

  async function start(): Promise<TestApp> {
    const started = await startTestApp(settings);
    started.harness.onRun = answer;
    return started;
  }

  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body);
  const historyOf = (response: Response): unknown => response.headers['x-chiron-history'];
  /** The text that seeded the agent before this prompt. */
  const told = (prompt: string): string => toSeedText(app.harness.runsOf(prompt).at(-1)?.turn.seed);

  /** Restarts the server without the folders of its threads, as a container without a volume does. */
  async function restartWithoutFolders(): Promise<void> {
    await app.close({ keepData: true });
    await rm(join(app.dataDirectory, 'threads'), { recursive: true });
    app = await start();
  }

  it('whose folder is gone reports the loss, and the stored turns seed its agent', async () => {
    await post(ask('I am Ada'), thread('one')).expect(200);
    await restartWithoutFolders();
    const body = ask('who am I?');
    const next = await post(body, thread('one')).expect(200);
    expect(historyOf(next)).toBe('lost');
    expect(told('who am I?')).toBe('<user>\nI am Ada\n</user>\n<assistant>\nanswer to I am Ada\n</assistant>');
    const after = await post(ask('and now?'), thread('one')).expect(200);
    expect(historyOf(after)).toBe('continued');
    expect(told('and now?')).toBe('');
  });

  it('whose folder is gone is seeded with the messages that its agent heard while it worked, too', async () => {
    const session = `/api/session/${encodeURIComponent('test:steered')}`;
    app.harness.isSteerable = true;
    await supertest(app.url).post(session).send({ harness_type: 'claudecode' }).expect(200);
    const messages = [{ role: 'user', parts: [{ type: 'text', text: 'said before' }] }];
    await supertest(app.url).post(`${session}/messages`).send({ messages }).expect(200);
    app.harness.onRun = () => undefined;
    await supertest(app.url)
      .post(`${session}/execute`)
      .send({ input_lines: ['work'] })
      .expect(200);
    const run = await app.harness.run('said before\nwork');
    const more = [{ role: 'user', parts: [{ type: 'text', text: 'said meanwhile' }] }];
    await supertest(app.url).post(`${session}/messages`).send({ messages: more }).expect(200);
    await eventually(() => run.steered).toHaveLength(1);
    run.hear();
    run.answer('done');
    await eventually(async () => (await supertest(app.url).get(session)).body.status).toBe('idle');
    await restartWithoutFolders();
    await post(ask('what did I say?'), thread('steered')).expect(200);
    const seeded = ['said before', 'work', 'said meanwhile'].map((words) => `<user>\n${words}\n</user>\n`).join('');
    expect(told('what did I say?')).toBe(`${seeded}<assistant>\ndone\n</assistant>`);
  });

  it('reports the loss in a stream as well, and to a retry of the same turn', async () => {
    await post(ask('I am Bob'), thread('two')).expect(200);
    await restartWithoutFolders();
    const body = converse(['I am Bob', 'answer to I am Bob', 'who?'], { stream: true });
    expect(historyOf(await post(body, thread('two')).expect(200))).toBe('lost');
    expect(historyOf(await post({ ...body, stream: false }, thread('two')).expect(200))).toBe('lost');
    expect(app.harness.runsOf('who?')).toHaveLength(1);
  });

  it('seeds its agent with the caller’s history if the request has one', async () => {
    const first = await post(ask('without a name')).expect(200);
    await restartWithoutFolders();
    const next = await post(converse(['without a name', 'answer to without a name', 'go on'])).expect(200);
    expect(next.headers['x-chiron-thread-key']).toBe(first.headers['x-chiron-thread-key']);
    expect(historyOf(next)).toBe('lost');
    expect(told('go on')).toBe('<user>\nwithout a name\n</user>\n<assistant>\nanswer to without a name\n</assistant>');
  });

  it('whose folder is deleted while its server runs reports the loss', async () => {
    await post(ask('I am Cy'), thread('three')).expect(200);
    await rm(join(app.dataDirectory, 'threads'), { recursive: true });
    expect(historyOf(await post(ask('who is it?'), thread('three')).expect(200))).toBe('lost');
    expect(told('who is it?')).toContain('I am Cy');
  });

  it('does not seed its agent with refused prompts, and reports no loss if it has no answers', async () => {
    app.harness.onRun = (run) => run.fail('context_too_long');
    await post(ask('far too long'), thread('four')).expect(400);
    app.harness.onRun = answer;
    await restartWithoutFolders();
    expect(historyOf(await post(ask('short'), thread('four')).expect(200))).toBe('continued');
    await restartWithoutFolders();
    expect(historyOf(await post(ask('shorter'), thread('four')).expect(200))).toBe('lost');
    expect(told('shorter')).toBe('<user>\nshort\n</user>\n<assistant>\nanswer to short\n</assistant>');
  });

  it('seeds its agent with the newest part of a long conversation', async () => {
    for (const text of ['a', 'b', 'c']) await post(ask(text.repeat(70_000)), thread('long')).expect(200);
    await restartWithoutFolders();
    await post(ask('how long?'), thread('long')).expect(200);
    expect(told('how long?')).toMatch(/^<user>\n\[Earlier messages are omitted\.\]/);
    expect(told('how long?')).toContain('answer to ccc');
    expect(told('how long?').length).toBeLessThan(201_000);
  });

  it('reports the loss in the events of the session API', async () => {
    await post(ask('I am Dee'), thread('session')).expect(200);
    await restartWithoutFolders();
    const path = `${app.url}/api/session/${encodeURIComponent('test:session')}`;
    const line = JSON.stringify({ type: 'user', message: { role: 'user', content: 'who am I now?' } });
    const { body } = await supertest(path)
      .post('/execute')
      .send({ input_lines: [line] })
      .expect(200);
    const reader = SessionReader.open(`${path}/events?execution_id=${String(body.execution_id)}`);
    await reader.done();
    expect(reader.events[0]).toMatchObject({ name: 'execution_started', data: { history: 'lost' } });
    expect(told('who am I now?')).toContain('I am Dee');
  });

  it('of the demo agent reports the loss', async () => {
    await post(ask('hello', { model: 'demo' }), thread('demo')).expect(200);
    await restartWithoutFolders();
    expect(historyOf(await post(ask('hello again', { model: 'demo' }), thread('demo')).expect(200))).toBe('lost');
  });

  it('seeds an agent that finds its record missing only at its start', async () => {
    await post(ask('I am Eve'), thread('late')).expect(200);
    await post(ask('and then?'), thread('late')).expect(200);
    const recall = app.harness.runsOf('and then?')[0]?.turn.recall;
    expect(toSeedText(await recall?.())).toContain('I am Eve');
    expect(app.harness.runsOf('I am Eve')[0]?.turn.recall).toBeUndefined();
  });
});

describe('a refused message', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body);

  it.each(['bad_request', 'context_too_long'] as const)(
    '(%s) is dropped: a conversation without it continues on the same thread',
    async (kind) => {
      app.harness.onRun = answer;
      const first = await post(ask(`begin ${kind}`)).expect(200);
      app.harness.onRun = (run) => run.fail(kind);
      const before = [`begin ${kind}`, `answer to begin ${kind}`];
      await post(converse([...before, 'refused'])).expect(400);
      app.harness.onRun = answer;
      const next = await post(converse([...before, 'another'])).expect(200);
      expect(next.headers['x-chiron-thread-key']).toBe(first.headers['x-chiron-thread-key']);
    },
  );

  it('that was the first of its thread drops the history too, so the next turn is seeded again', async () => {
    const before = ['elsewhere', 'an answer from elsewhere'];
    app.harness.onRun = (run) => {
      run.say({ type: 'session-started', sessionId: 'a-session' });
      run.fail('bad_request');
    };
    await post(converse([...before, 'refused']), thread('first')).expect(400);
    app.harness.onRun = answer;
    await post(converse([...before, 'taken']), thread('first')).expect(200);
    expect(toSeedText(app.harness.runsOf('taken')[0]?.turn.seed)).toContain('an answer from elsewhere');
  });

  it('lets the thread change its system prompt until a message was answered', async () => {
    const named = thread('system');
    app.harness.onRun = (run) => (run.thread.systemPrompt === 'short' ? answer(run) : run.fail('context_too_long'));
    await post(ask('with a long one', { system: 'long '.repeat(1000) }), named).expect(400);
    await post(ask('with a short one', { system: 'short' }), named).expect(200);
    await post(ask('with a third one', { system: 'third' }), named).expect(200);
    expect(app.harness.runsOf('with a third one')[0]?.thread.systemPrompt).toBe('short');
  });

  it('does not match a conversation to a thread whose turns all failed', async () => {
    app.harness.onRun = answer;
    const first = await post(ask('hopeless')).expect(200);
    const before = ['hopeless', 'answer to hopeless'];
    app.harness.onRun = (run) => run.fail('internal');
    for (const prompt of ['one', 'two']) await post(converse([...before, prompt])).expect(500);
    app.harness.onRun = answer;
    const next = await post(converse([...before, 'three'])).expect(200);
    expect(next.headers['x-chiron-thread-key']).not.toBe(first.headers['x-chiron-thread-key']);
    expect(toSeedText(app.harness.runsOf('three')[0]?.turn.seed)).toContain('answer to hopeless');
  });
});
