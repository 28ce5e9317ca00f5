import { rmSync } from 'node:fs';
import supertest, { type Response } from 'supertest';
import { afterAll, describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { readPromptText } from '../../src/domain/prompt.js';
import { eventually } from '../support/eventually.js';
import { ask, converse, thread } from '../support/requests.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { ConformanceServer, idOf } from './support/server.js';

const CREATE = { thread: { type: 'create' } };
const BETA = { 'anthropic-beta': 'message-threads-2026-08-12' };

const goOn = (id: string, content: string, more: Readonly<Record<string, unknown>> = {}) =>
  ask(content, { thread: { type: 'continue', previous_message_id: id }, ...more });

const expectRefusal = (response: Response, status: number, type: string, code: string): void => {
  expect([response.status, response.body]).toEqual([
    status,
    expect.objectContaining({
      error: { type, message: expect.stringContaining('thread') as string, details: { error_code: code } },
      request_id: response.headers['request-id'],
    }),
  ]);
};

describe('message threads', () => {
  const server = new ConformanceServer();

  it('A.8 create takes the full conversation, continue only new messages, and can be continued again', async () => {
    const one = await server.post(ask('one', CREATE), BETA).expect(200);
    const two = await server.post(goOn(idOf(one), 'two'), BETA).expect(200);
    const three = await server.post(goOn(idOf(two), 'three'), BETA).expect(200);
    expect(Object.keys(three.body as object)).toEqual(Object.keys(one.body as object));
    const runs = ['one', 'two', 'three'].flatMap((prompt) => server.harness.runsOf(prompt));
    expect(new Set(runs.map((run) => run.thread.id)).size).toBe(1);
    expect(runs.map((run) => run.turn.turnIndex)).toEqual([0, 1, 2]);
  });

  it('A.8 continue can stream', async () => {
    const one = await server.post(ask('before the stream', CREATE)).expect(200);
    const stream = await server.open(goOn(idOf(one), 'streamed', { stream: true })).done();
    expect(checkGrammar(stream.events)).toEqual([]);
    await server.post(goOn(stream.messageId, 'after the stream')).expect(200);
  });

  it('A.8 continue may repeat system and tools, as Claude Code does, and have tool results as messages', async () => {
    const one = await server.post(ask('with tools', { ...CREATE, system: 'Be brief.' })).expect(200);
    const messages = [
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'found' }] },
      { role: 'system', content: '<total_tokens>14999888 tokens left</total_tokens>' },
    ];
    const more = {
      messages,
      system: [{ type: 'text', text: 'Be long.' }],
      tools: [{ name: 'Bash', input_schema: { type: 'object' } }],
    };
    await server
      .post(goOn(idOf(one), '', more), { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)' })
      .expect(200);
    expect(server.harness.runs.at(-1)?.thread.systemPrompt).toBe('Be brief.');
    expect(server.harness.runs.at(-1)?.turn.turnIndex).toBe(1);
  });

  it.each(['msg_nobody', 'something else'])('A.8 continue from %s is a 404 thread_not_found', async (id) => {
    expectRefusal(await server.post(goOn(id, 'lost')), 404, 'not_found_error', 'thread_not_found');
    expect(server.harness.runsOf('lost')).toEqual([]);
  });

  it('A.8 after thread_not_found, create with the full conversation is accepted', async () => {
    await server.post(goOn('msg_nobody', 'whole two')).expect(404);
    const created = await server.post(converse(['whole one', 'Yes.', 'whole two'], CREATE)).expect(200);
    await server.post(goOn(idOf(created), 'whole three')).expect(200);
  });

  it('A.8 an answer can be continued once: a second message after it is a 400 thread_already_continued', async () => {
    const one = await server.post(ask('once', CREATE)).expect(200);
    await server.post(goOn(idOf(one), 'this way')).expect(200);
    const other = await server.post(goOn(idOf(one), 'that way'));
    expectRefusal(other, 400, 'invalid_request_error', 'thread_already_continued');
    expect(server.harness.runsOf('that way')).toEqual([]);
  });

  it('A.8 an identical continuation is a retry', async () => {
    const one = await server.post(ask('retried', CREATE)).expect(200);
    const [first, second] = await Promise.all([
      server.post(goOn(idOf(one), 'the same')),
      server.post(goOn(idOf(one), 'the same')),
    ]);
    const third = await server.post(goOn(idOf(one), 'the same'));
    expect([idOf(second), idOf(third)]).toEqual([idOf(first), idOf(first)]);
    expect(server.harness.runsOf('the same')).toHaveLength(1);
  });

  it('A.8 a second continuation in flight is queued behind the running one', async () => {
    const one = await server.post(ask('in flight', CREATE)).expect(200);
    const { stream, run } = await server.held('slow', goOn(idOf(one), 'slow'), {});
    const turns = await server.app.count('turns');
    const next = server.post(goOn(idOf(one), 'behind it')).then((response) => response);
    await eventually(() => server.app.count('turns')).toBe(turns + 1);
    expect(server.harness.runsOf('behind it')).toEqual([]);
    run.answer('done');
    await stream.done();
    expect((await next).status).toBe(200);
  });

  it('A.8 a changed field that must stay the same is a 400 thread_fingerprint_mismatch', async () => {
    const one = await server.post(ask('a model', CREATE)).expect(200);
    const other = await server.post(goOn(idOf(one), 'another model', { model: 'claude-haiku-5-5' }));
    expectRefusal(other, 400, 'invalid_request_error', 'thread_fingerprint_mismatch');
  });

  it('A.8 an answer is not found under another thread key', async () => {
    const one = await server.post(ask('named', CREATE), thread('its own')).expect(200);
    const elsewhere = await server.post(goOn(idOf(one), 'elsewhere'), thread('another'));
    expectRefusal(elsewhere, 404, 'not_found_error', 'thread_not_found');
    await server.post(goOn(idOf(one), 'at home'), thread('its own')).expect(200);
  });
});

describe('message threads under the reject policy', () => {
  const server = new ConformanceServer({ onBusy: 'reject' });

  it('A.8 a second continuation in flight is a 400 thread_continue_in_flight', async () => {
    const one = await server.post(ask('in flight', CREATE)).expect(200);
    const { stream, run } = await server.held('slow', goOn(idOf(one), 'slow'), {});
    const other = await server.post(goOn(idOf(one), 'refused'));
    expectRefusal(other, 400, 'invalid_request_error', 'thread_continue_in_flight');
    run.answer('done');
    await stream.done();
  });
});

describe('message threads of two tenants', () => {
  const { apiKeys } = readConfig({
    CHIRON_API_KEYS: 'one:key-one-that-is-long-enough,two:key-two-that-is-long-enough',
  });
  const server = new ConformanceServer({ apiKeys });

  it('A.8 a message id is not a credential: another tenant’s is not found', async () => {
    const one = await server.post(ask('mine', CREATE), { 'x-api-key': 'key-one-that-is-long-enough' }).expect(200);
    const theft = await server.post(goOn(idOf(one), 'theft'), { 'x-api-key': 'key-two-that-is-long-enough' });
    expectRefusal(theft, 404, 'not_found_error', 'thread_not_found');
    await server.post(goOn(idOf(one), 'theft'), { 'x-api-key': 'key-one-that-is-long-enough' }).expect(200);
  });
});

describe('message threads after a restart of the server', () => {
  const apps: TestApp[] = [];

  afterAll(() => {
    for (const { dataDirectory } of apps) rmSync(dataDirectory, { recursive: true, force: true });
  });

  const start = async (dataDirectory?: string): Promise<TestApp> => {
    const app = await startTestApp(dataDirectory === undefined ? {} : { dataDirectory });
    apps.push(app);
    app.harness.onRun = (run) => {
      run.say({ type: 'session-started', sessionId: 'the session' });
      run.answer(`answer to ${readPromptText(run.turn.prompt)}`);
    };
    return app;
  };
  const post = (app: TestApp, body: object) => supertest(app.url).post('/v1/messages').send(body).expect(200);

  it('A.8 continue: nothing expires, and a completed answer is replayed', async () => {
    const before = await start();
    const one = await post(before, ask('one', CREATE));
    const two = await post(before, goOn(idOf(one), 'two'));
    await before.close({ keepData: true });

    const after = await start(before.dataDirectory);
    const retried = await post(after, goOn(idOf(one), 'two'));
    expect(retried.body).toEqual(two.body);
    expect(after.harness.runs).toEqual([]);
    const three = await post(after, goOn(idOf(two), 'three'));
    expect(three.body).toMatchObject({ content: [{ text: 'answer to three' }], model: 'claude-opus-5-5' });
    const [run] = after.harness.runs;
    expect(run?.thread).toMatchObject({ id: before.harness.runs[0]?.thread.id, sessionId: 'the session' });
    expect(run?.turn.turnIndex).toBe(2);
    await after.close({ keepData: true });
  });
});
