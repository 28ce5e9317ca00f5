import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/requests.js';
import type { ScriptedRun } from '../support/scripted-harness.js';
import { SessionReader } from '../support/session-events.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
let keys = 0;

beforeAll(async () => {
  app = await startTestApp({ maxConcurrentTurns: 3 });
  app.harness.isSteerable = true;
});

afterAll(() => app.close());

const path = (key: string, rest = ''): string => `/api/session/${encodeURIComponent(key)}${rest}`;
const post = (key: string, rest: string, body: object) =>
  supertest(app.url).post(path(key, rest)).send(body).expect(200);
const line = (text: string): string => JSON.stringify({ type: 'user', message: { content: [{ type: 'text', text }] } });
const execute = (key: string, text: string, more: object = {}) =>
  post(key, '/execute', { input_lines: [line(text)], ...more });
const read = (key: string, query = '') => SessionReader.open(`${app.url}${path(key, `/events${query}`)}`);
const promptOf = (run: ScriptedRun): readonly string[] =>
  run.turn.prompt.map((block) => (block.type === 'text' ? block.text : block.type));

/** Appends a message and returns its id. */
async function append(key: string, text: string, more: object = {}): Promise<string> {
  const { body } = await post(key, '/messages', {
    messages: [{ role: 'user', parts: [{ type: 'text', text }], ...more }],
  });
  return String(body.message_ids[0]);
}

async function session(): Promise<string> {
  const key = `test:steer-${(keys += 1)}`;
  await post(key, '', { harness_type: 'claudecode' });
  return key;
}

/** A session with an execution that runs. */
async function running(prompt: string) {
  const key = await session();
  const { body } = await execute(key, prompt);
  return { key, executionId: String(body.execution_id), run: await app.harness.run(prompt) };
}

/** The next run of the harness whose prompt contains this text. */
async function runWith(text: string): Promise<ScriptedRun> {
  const find = () => app.harness.runs.find(({ turn }) => readPromptText(turn.prompt).includes(text));
  await eventually(() => find() !== undefined).toBe(true);
  const run = find();
  if (run === undefined) throw new Error('the run is gone');
  return run;
}

describe('a message that is appended while an execution runs', () => {
  it('is handed to the running turn, and the event stream says when it is heard', async () => {
    const { key, executionId, run } = await running('long work');
    const id = await append(key, 'also do this');
    await eventually(() => run.steeredTexts).toEqual(['also do this']);
    const reader = read(key, `?execution_id=${executionId}`);
    await reader.sees('turn/started');
    expect(reader.names).not.toContain('steering_delivered');
    run.hear();
    run.answer('did both');
    await reader.done();
    expect(reader.events.filter(({ name }) => name === 'steering_delivered').map(({ data }) => data)).toEqual([
      { execution_id: executionId, thread_key: key, message_ids: [id], input_line_count: 1 },
    ]);
    const late = await read(key, `?execution_id=${executionId}`).done();
    expect(late.ids).toEqual(reader.ids);
    expect(late.names).toEqual(reader.names);
    await execute(key, 'next');
    const next = await app.harness.run('next');
    expect(promptOf(next)).toEqual(['next']);
    next.answer('fine');
  });

  it('is heard by the next turn when the running one ends without it', async () => {
    const { key, run } = await running('ends too soon');
    const id = await append(key, 'too late for this');
    await eventually(() => run.steeredTexts).toEqual(['too late for this']);
    run.answer('done');
    await eventually(async () => (await supertest(app.url).get(path(key))).body.status).toBe('idle');
    const { body } = await execute(key, 'what I say now');
    const next = await runWith('what I say now');
    expect(promptOf(next)).toEqual(['too late for this', 'what I say now']);
    next.answer('fine');
    const reader = await read(key, `?execution_id=${body.execution_id}`).done();
    expect(reader.events[0]?.data).toMatchObject({ message_ids: [id] });
    await reader.sees('too late for this');
  });

  it('is heard once when its client repeats it in the next execution', async () => {
    const { key, run } = await running('repeated');
    await append(key, 'say it once', { client_message_id: 'M-7' });
    await eventually(() => run.steeredTexts).toEqual(['say it once']);
    run.answer('done');
    await eventually(async () => (await supertest(app.url).get(path(key))).body.status).toBe('idle');
    await execute(key, 'say it once', { idempotency_key: 'M-7' });
    const next = await app.harness.run('say it once');
    expect(promptOf(next)).toEqual(['say it once']);
    next.answer('fine');
  });

  it('is handed over once although its client repeats it', async () => {
    const { key, run } = await running('deduped');
    const first = await append(key, 'once', { client_message_id: 'M-1' });
    expect(await append(key, 'once', { client_message_id: 'M-1' })).toBe(first);
    await append(key, 'twice', { client_message_id: 'M-2' });
    await eventually(() => run.steeredTexts).toEqual(['once', 'twice']);
    run.hear();
    run.answer('done');
  });

  it('reaches the attempt that resumes the turn, whether the first one heard it or not', async () => {
    const { key, run } = await running('dies');
    await append(key, 'heard before');
    await eventually(() => run.steered).toHaveLength(1);
    run.hear();
    await append(key, 'not heard before');
    await eventually(() => run.steered).toHaveLength(2);
    run.fail('process_died');
    const resumed = await app.harness.run('dies', 2);
    expect(resumed.turn.furtherMessages?.map(({ prompt }) => readPromptText(prompt))).toEqual([
      'heard before',
      'not heard before',
    ]);
    expect(resumed.steered).toEqual([]);
    const ids = resumed.turn.furtherMessages?.map(({ id }) => id) ?? [];
    resumed.say(...ids.map((id) => ({ type: 'user-message' as const, id })));
    resumed.answer('done');
    const reader = await read(key, '?execution_id=').sees('execution_completed');
    reader.leave();
    expect(
      reader.events.flatMap(({ name, data }) => (name === 'steering_delivered' ? [data['message_ids']] : [])),
    ).toEqual(ids.map((id) => [id]));
  });

  it('waits for the next turn when its agent cannot be steered', async () => {
    app.harness.isSteerable = false;
    const { key, run } = await running('deaf');
    app.harness.isSteerable = true;
    await append(key, 'for later');
    run.answer('done');
    await eventually(async () => (await supertest(app.url).get(path(key))).body.status).toBe('idle');
    expect(run.steered).toEqual([]);
    await execute(key, 'and now');
    const next = await runWith('and now');
    expect(promptOf(next)).toEqual(['for later', 'and now']);
    next.answer('fine');
  });

  it('is not handed over when its author is not the user', async () => {
    const { key, run } = await running('own words');
    await append(key, 'an answer of the bot', { role: 'assistant' });
    await append(key, 'a wish');
    await eventually(() => run.steeredTexts).toEqual(['a wish']);
    run.hear();
    run.answer('done');
  });
});

describe('a message that is appended while no execution runs', () => {
  it('is heard by the next turn, also by one of the Messages API', async () => {
    const key = await session();
    await append(key, 'said before');
    const answer = supertest(app.url)
      .post('/v1/messages')
      .set({ 'x-chiron-thread-key': key })
      .send(ask('said in the request'))
      .expect(200)
      .then(({ body }) => body);
    const run = await runWith('said in the request');
    expect(promptOf(run)).toEqual(['said before', 'said in the request']);
    run.answer('heard');
    expect((await answer).content[0].text).toBe('heard');
  });

  it('is in the prompt of an execution that waits for a free slot', async () => {
    const busy = await Promise.all(['slot 1', 'slot 2', 'slot 3'].map((prompt) => running(prompt)));
    const key = await session();
    const { body } = await execute(key, 'waits');
    const reader = read(key, `?execution_id=${body.execution_id}`);
    await append(key, 'came while it waited');
    for (const { run } of busy) run.answer('done');
    const run = await runWith('waits');
    expect(promptOf(run)).toEqual(['waits', 'came while it waited']);
    run.answer('heard both');
    await reader.done();
    // The reader was there before the message.
    expect(reader.text).toContain('came while it waited');
  });

  it('stays for the next turn when the queued one that had it is cancelled', async () => {
    const busy = await Promise.all(['full 1', 'full 2', 'full 3'].map((prompt) => running(prompt)));
    const key = await session();
    await append(key, 'not lost');
    await execute(key, 'cancelled');
    await post(key, '/interrupt', {});
    for (const { run } of busy) run.answer('done');
    await execute(key, 'second try');
    const run = await runWith('second try');
    expect(promptOf(run)).toEqual(['not lost', 'second try']);
    run.answer('fine');
  });
});

describe('a message that is appended just before the server stops', () => {
  it('is heard by the turn that the next server resumes', async () => {
    const first = await startTestApp();
    first.harness.isSteerable = true;
    const server = supertest(first.url);
    await server.post(path('test:stop')).send({ harness_type: 'claudecode' }).expect(200);
    await server
      .post(path('test:stop', '/execute'))
      .send({ input_lines: ['survives'] })
      .expect(200);
    const run = await first.harness.run('survives');
    const messages = [{ role: 'user', parts: [{ type: 'text', text: 'hear me' }] }];
    await server.post(path('test:stop', '/messages')).send({ messages }).expect(200);
    await eventually(() => run.steeredTexts).toEqual(['hear me']);
    await first.close({ keepData: true });
    const second = await startTestApp({ dataDirectory: first.dataDirectory });
    second.harness.isSteerable = true;
    const resumed = await second.harness.run('survives');
    expect(resumed.turn.attempt).toBe(2);
    expect(resumed.turn.furtherMessages?.map(({ prompt }) => readPromptText(prompt))).toEqual(['hear me']);
    resumed.answer('done');
    await second.close();
  });
});
