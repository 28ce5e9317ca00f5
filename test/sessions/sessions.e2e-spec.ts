// Over 250 lines: the session API has ten routes, and every one is driven over HTTP here.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Sandbox } from '../../src/sandbox/sandbox.js';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { ThreadStore } from '../../src/storage/stores/thread.store.js';
import { openApiDocument } from '../../src/ops/openapi.js';
import { eventually } from '../support/eventually.js';
import { ask } from '../support/requests.js';
import { CALL_USAGE, textBlock } from '../support/scripted-harness.js';
import { SessionReader } from '../support/session-events.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;
let keys = 0;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.close());

const newKey = (): string => `api:session-${(keys += 1)}`;
const path = (key: string, rest = ''): string => `/api/session/${encodeURIComponent(key)}${rest}`;
const post = (key: string, rest: string, body: object) => supertest(app.url).post(path(key, rest)).send(body);
const userLine = (text: string): string =>
  JSON.stringify({ type: 'user', message: { role: 'user', content: [{ type: 'text', text }] } });
const create = (key: string, more: object = {}) => post(key, '', { harness_type: 'claudecode', ...more });
const execute = (key: string, text: string, more: object = {}) =>
  post(key, '/execute', { input_lines: [userLine(text)], ...more });
const read = (key: string, query = '', headers: Readonly<Record<string, string>> = {}) =>
  SessionReader.open(`${app.url}${path(key, `/events${query}`)}`, headers);
const message = (text: string, more: object = {}) => ({ role: 'user', parts: [{ type: 'text', text }], ...more });

/** A new session. */
async function session(): Promise<string> {
  const key = newKey();
  await create(key).expect(200);
  return key;
}

/** A session with an execution that runs and says what the test says. */
async function running(prompt: string) {
  const key = await session();
  const { body } = await execute(key, prompt).expect(200);
  return { key, executionId: String(body.execution_id), run: await app.harness.run(prompt) };
}

interface ToolParams {
  readonly item?: { readonly id: string; readonly durationMs?: number | null };
  readonly startedAtMs?: number;
  readonly completedAtMs?: number;
}

/** A session with an execution that has ended. */
async function finished(prompt: string, answer: string) {
  const { key, executionId, run } = await running(prompt);
  run.answer(answer);
  await read(key, `?execution_id=${executionId}`).done();
  return { key, executionId };
}

describe('POST /api/session/{key}', () => {
  it('creates a session, and gets it the second time', async () => {
    const key = newKey();
    const first = await create(key, { persona_id: null, repos: [], metadata: { source: 'test' } }).expect(200);
    expect(first.body).toEqual({
      thread_key: key,
      sandbox_id: null,
      harness_type: 'claudecode',
      harness_thread_id: null,
      persona_id: null,
      status: 'idle',
      iron_control_principal: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      harness_switched: false,
    });
    const second = await create(key, { metadata: { source: 'other' } }).expect(200);
    expect(second.body).toEqual(first.body);
    const { body } = await supertest(app.url).get(path(key)).expect(200);
    expect(body.metadata).toEqual({ source: 'test' });
  });

  it('refuses another harness, or restarts with it when asked', async () => {
    const { key } = await finished('restart me', 'fine');
    const conflict = await create(key, { harness_type: 'demo' }).expect(409);
    expect(conflict.body).toEqual({
      ok: false,
      error: `session ${key} already exists with harness_type claudecode, requested demo`,
      code: 'harness_conflict',
      existing_harness: 'claudecode',
      requested_harness: 'demo',
    });
    const switched = await create(key, { harness_type: 'demo', on_harness_conflict: 'restart' }).expect(200);
    expect(switched.body).toMatchObject({ harness_type: 'demo', harness_switched: true, status: 'idle' });
    const { body } = await execute(key, 'who are you').expect(200);
    const reader = await read(key, `?execution_id=${body.execution_id}`).done();
    expect(reader.text).toContain('I am the demo agent');
  });

  it('interrupts what runs when it restarts with another harness', async () => {
    const { key, executionId, run } = await running('switch while running');
    const reader = read(key, `?execution_id=${executionId}`);
    await create(key, { harness_type: 'demo', on_harness_conflict: 'restart' }).expect(200);
    expect(run.interrupted).toBe(true);
    expect((await reader.done()).names.at(-1)).toBe('execution_cancelled');
  });

  it.each([
    ['an unknown harness', { harness_type: 'claude-code' }, 422],
    ['a harness that this server does not have', { harness_type: 'codex' }, 422],
    ['no harness', {}, 422],
    ['a harness that is no text', { harness_type: 5 }, 422],
    ['a list', [], 422],
  ])('refuses %s', async (_, body, status) => {
    const response = await post(newKey(), '', body).expect(status);
    expect(response.body).toEqual({ ok: false, error: expect.stringMatching(/^(harness_type: |a JSON object)[^;]*$/) });
  });

  it.each([
    ['nokey', "thread_key must be namespaced as '<source>:<id>'"],
    ['{"a":1}', 'thread_key must not be raw JSON'],
    [`api:${'x'.repeat(509)}`, 'thread_key must be at most 512 bytes'],
  ])('refuses the key %s in centaur’s words', async (key, error) => {
    const { body } = await create(key).expect(400);
    expect(body).toEqual({ ok: false, error });
  });
});

describe('POST …/messages', () => {
  it('stores messages in their order, and a known client id is the same message', async () => {
    const key = await session();
    const messages = [message('one', { client_message_id: 'm-1' }), message('two')];
    const first = await post(key, '/messages', { messages }).expect(200);
    expect(first.body).toEqual({
      ok: true,
      message_ids: [expect.stringMatching(/^msg_[0-9a-f]{32}$/), expect.any(String)],
    });
    const again = await post(key, '/messages', { messages: [message('changed', { client_message_id: 'm-1' })] });
    expect(again.body.message_ids).toEqual([first.body.message_ids[0]]);
  });

  it('stores all messages of a call or none', async () => {
    const key = await session();
    const messages = [message('one'), { role: 'robot', parts: [] }];
    const { body } = await post(key, '/messages', { messages }).expect(422);
    expect(body.error).toContain('role');
    await post(key, '/execute', { input_lines: [] }).expect(400);
  });

  it('refuses an empty list, and answers 404 for an unknown session', async () => {
    const key = await session();
    const none = await post(key, '/messages', { messages: [] }).expect(400);
    expect(none.body).toEqual({ ok: false, error: 'messages must not be empty' });
    const unknown = newKey();
    const missing = await post(unknown, '/messages', { messages: [message('hi')] }).expect(404);
    expect(missing.body).toEqual({ ok: false, error: `session not found for thread_key ${unknown}` });
  });

  it('hands what came while an execution ran to the next one without lines', async () => {
    const { key, executionId, run } = await running('first words');
    await post(key, '/messages', { messages: [message('later words'), message('no prompt', { role: 'assistant' })] });
    run.answer('fine');
    await read(key, `?execution_id=${executionId}`).done();
    await post(key, '/execute', { input_lines: [] }).expect(200);
    (await app.harness.run('later words')).answer('these too');
    await expect.poll(async () => (await supertest(app.url).get(path(key))).body.turn_count).toBe(2);
    await post(key, '/execute', { input_lines: [] }).expect(400);
  });
});

describe('POST …/execute', () => {
  it('answers at once, and the turn is the thread’s', async () => {
    const { key, executionId, run } = await running('look around');
    expect(executionId).toMatch(/^exe_[0-9a-f]{32}$/);
    run.answer('nothing here');
    const reader = await read(key, `?execution_id=${executionId}`).done();
    expect(reader.names[0]).toBe('execution_started');
    expect(reader.events.at(-1)).toMatchObject({
      name: 'execution_completed',
      data: { execution_id: executionId, thread_key: key, result_text: 'nothing here' },
    });
  });

  it('starts nothing twice for one idempotency key, whatever the second call has', async () => {
    const key = await session();
    const first = await execute(key, 'only once', { idempotency_key: 'k' }).expect(200);
    const again = await post(key, '/execute', { idempotency_key: 'k', input_lines: [] }).expect(200);
    expect(again.body.execution_id).toBe(first.body.execution_id);
    (await app.harness.run('only once')).answer('fine');
    await read(key, `?execution_id=${first.body.execution_id}`).done();
    const ended = await execute(key, 'something else', { idempotency_key: 'k' }).expect(200);
    expect(ended.body).toEqual({ ...first.body, status: 'completed' });
    expect(app.harness.runsOf('only once')).toHaveLength(1);
  });

  it('runs the same input again without an idempotency key', async () => {
    const { key } = await finished('say it twice', 'one');
    await execute(key, 'say it twice').expect(200);
    (await app.harness.run('say it twice', 2)).answer('two');
    expect(app.harness.runsOf('say it twice')).toHaveLength(2);
  });

  it('refuses a second execution while one is active, and names it', async () => {
    const { key, executionId, run } = await running('busy');
    const { body } = await execute(key, 'me too').expect(409);
    expect(body).toEqual({
      ok: false,
      error: `session ${key} already has an active execution`,
      code: 'active_execution_conflict',
      existing_execution_id: executionId,
      existing_status: 'running',
    });
    run.answer('done');
  });

  it('lets exactly one of many executions at once through', async () => {
    const key = await session();
    const responses = await Promise.all(Array.from({ length: 10 }, () => execute(key, 'all at once')));
    expect(responses.map((response) => response.status).toSorted((one, other) => one - other)).toEqual([
      200,
      ...Array<number>(9).fill(409),
    ]);
    (await app.harness.run('all at once')).answer('one');
  });

  it('fails an execution that takes longer than it may', async () => {
    const key = await session();
    const { body } = await execute(key, 'too long', { max_duration_ms: 5, idle_timeout_ms: 5 }).expect(200);
    const reader = await read(key, `?execution_id=${body.execution_id}`).done();
    expect(reader.events.at(-1)).toMatchObject({
      name: 'execution_failed',
      data: { error: 'execution exceeded max_duration_ms=5', reason: 'max_duration_exceeded', max_duration_ms: 5 },
    });
  });

  it.each([
    [{ input_lines: ['a\nb'] }, 400, 'input_lines[0] must be one line'],
    [{ input_lines: ['a'], max_duration_ms: 0 }, 400, 'duration values must be greater than zero'],
    [{ input_lines: ['a'], idle_timeout_ms: 5, max_duration_ms: 4 }, 400, 'idle_timeout_ms'],
    [{ input_lines: [] }, 400, 'input_lines'],
    [{ input_lines: ['a', 1] }, 422, 'input_lines.1: Input should be a valid string'],
    [{ input_lines: 'a' }, 422, 'input_lines: Input should be a valid list'],
    [{ input_lines: ['a'], idle_timeout_ms: 'x' }, 422, 'idle_timeout_ms: Input should be a valid integer'],
  ])('refuses %j', async (body, status, words) => {
    const response = await post(await session(), '/execute', body).expect(status);
    expect(response.body).toEqual({ ok: false, error: expect.stringContaining(words) });
  });

  it('answers 404 for an unknown session', async () => {
    const key = newKey();
    const { body } = await execute(key, 'hi').expect(404);
    expect(body).toEqual({ ok: false, error: `session not found for thread_key ${key}` });
  });
});

describe('GET …/events', () => {
  it('gives a reader what it has not had, by the query or by Last-Event-ID', async () => {
    const { key, executionId, run } = await running('three pieces');
    run.say(...textBlock('one ', 'a'));
    const first = await read(key, `?execution_id=${executionId}`).sees('"delta":"one "');
    first.leave();
    await expect.poll(() => app.app.get(EventLog).stats.readers).toBe(0);
    run.say(...textBlock('two ', 'b'));
    run.end(...textBlock('three', 'c'));
    const last = first.ids.at(-1) ?? 0;
    const byQuery = await read(key, `?execution_id=${executionId}&after_event_id=${last}`).done();
    const byHeader = await read(key, '?execution_id=' + executionId, { 'last-event-id': String(last) }).done();
    expect(byQuery.said).toBe('two three');
    expect(byHeader.text).toBe(byQuery.text);
    const whole = await read(key, `?execution_id=${executionId}`).done();
    expect(whole.events.map(({ id, name }) => [id, name])).toEqual(
      [...first.events, ...byQuery.events].map(({ id, name }) => [id, name]),
    );
  });

  it('loses and repeats nothing, wherever a reader is cut', async () => {
    const { key, executionId } = await finished('cut me', 'a b c');
    const whole = await read(key, `?execution_id=${executionId}`).done();
    for (const [index, id] of whole.ids.entries()) {
      const rest = await read(key, `?execution_id=${executionId}&after_event_id=${id}`).done();
      expect(rest.ids).toEqual(whole.ids.slice(index + 1));
    }
  });

  it('continues with later turns, of either API, until the reader leaves', async () => {
    const key = await session();
    const reader = await read(key).sees('');
    await expect.poll(() => reader.status).toBe(200);
    await execute(key, 'turn one').expect(200);
    (await app.harness.run('turn one')).answer('first answer');
    await reader.sees('first answer');
    const answer = supertest(app.url).post('/v1/messages').set({ 'x-chiron-thread-key': key }).send(ask('turn two'));
    const answered = answer.expect(200).then((response) => response.body);
    (await app.harness.run('turn two')).answer('second answer');
    expect((await answered).content).toEqual([{ type: 'text', text: 'second answer', citations: null }]);
    await reader.sees('"result_text":"second answer"');
    expect(reader.names.filter((name) => name === 'execution_completed')).toHaveLength(2);
    expect(reader.ids).toEqual(reader.ids.toSorted((one, other) => one - other));
    expect(reader.ended).toBe(false);
    reader.leave();
    await expect.poll(() => app.app.get(EventLog).stats.readers).toBe(0);
  });

  it('leaves out what a dead attempt did not finish, and keeps every other id', async () => {
    const { key, executionId, run } = await running('die once');
    run.say(...textBlock('kept ', 'a'), { type: 'text-delta', id: 'b', text: 'half' });
    const early = await read(key, `?execution_id=${executionId}`).sees('half');
    run.fail('process_died');
    (await app.harness.run('die once', 2)).end(...textBlock('whole', 'b'));
    await early.done();
    const late = await read(key, `?execution_id=${executionId}`).done();
    expect(early.said).toBe('kept halfwhole');
    expect(late.said).toBe('kept whole');
    const lateIds = new Set(late.ids);
    expect(early.ids.filter((id) => lateIds.has(id))).toEqual(late.ids);
    const seen = early.ids.indexOf(early.events.find((event) => JSON.stringify(event).includes('half'))?.id ?? 0);
    const resumed = await read(key, `?execution_id=${executionId}&after_event_id=${early.ids[seen]}`).done();
    expect([...early.ids.slice(0, seen + 1), ...resumed.ids]).toEqual(early.ids);
  });

  it('rebuilds a turn from its message once its events are pruned', async () => {
    const { key, executionId } = await finished('forget me', 'still here');
    const before = await read(key, `?execution_id=${executionId}`).done();
    await app.app.get(EventLog).prune(Date.now() + 1000);
    const after = await read(key, `?execution_id=${executionId}`).done();
    expect(after.said).toBe('still here');
    expect(after.events.at(-1)).toEqual(before.events.at(-1));
    const cut = await read(key, `?execution_id=${executionId}&after_event_id=${before.ids.at(-1)}`).done();
    expect(cut.text).toBe('');
  });

  it('says when a tool started, when it ended and how long it took, to readers of now and of later', async () => {
    const { key, executionId, run } = await running('use a tool');
    const live = read(key, `?execution_id=${executionId}`);
    run.say({ type: 'tool-call', id: 't', name: 'read', server: 'agent', input: {} });
    await live.sees('"inProgress"');
    // Another time than that of the call.
    const called = Date.now();
    await expect.poll(() => Date.now()).toBeGreaterThan(called);
    run.end({ type: 'tool-result', id: 't', content: [], isError: false });
    await live.done();
    const replayed = await read(key, `?execution_id=${executionId}`).done();
    for (const reader of [live, replayed]) {
      const lines = reader.events.map(({ data }) => data as { readonly method: string; readonly params: ToolParams });
      const ofTool = lines.flatMap(({ params }) => (params?.item?.id === 't' ? [params] : []));
      const [started, completed] = [ofTool[0]?.startedAtMs ?? NaN, ofTool[1]?.completedAtMs ?? NaN];
      expect(started).toBeLessThanOrEqual(called);
      expect(completed).toBeGreaterThan(called);
      expect(ofTool.map(({ item }) => item?.durationMs)).toEqual([null, completed - started]);
    }
  });

  it('is an event stream, and answers 404 for unknown sessions and executions', async () => {
    const { key, executionId } = await finished('headers', 'fine');
    const reader = await read(key, `?execution_id=${executionId}`).done();
    expect(reader.headers['content-type']).toContain('text/event-stream');
    await supertest(app.url).get(path(newKey(), '/events')).expect(404);
    await supertest(app.url).get(path(key, '/events?execution_id=exe_0')).expect(404);
    const other = await finished('other session', 'fine');
    await supertest(app.url)
      .get(path(key, `/events?execution_id=${other.executionId}`))
      .expect(404);
    const { body } = await supertest(app.url).get(path(key, '/events?after_event_id=x')).expect(400);
    expect(body).toEqual({ ok: false, error: 'after_event_id must be a number' });
  });
});

describe('POST …/interrupt', () => {
  it('interrupts the active execution, which ends as cancelled', async () => {
    const key = await session();
    const started = await execute(key, 'stop me', { max_duration_ms: 3_600_000 }).expect(200);
    const executionId = started.body.execution_id;
    await app.harness.run('stop me');
    const { body } = await post(key, '/interrupt', { reason: 'enough' }).expect(200);
    expect(body).toEqual({ ok: true, interrupted: true, execution_id: executionId, thread_key: key });
    const reader = await read(key, `?execution_id=${executionId}`).done();
    expect(reader.names.at(-1)).toBe('execution_cancelled');
  });

  it('reports when there was nothing to interrupt', async () => {
    const key = await session();
    const { body } = await supertest(app.url).post(path(key, '/interrupt')).expect(200);
    expect(body).toEqual({ ok: true, interrupted: false, execution_id: null, thread_key: key });
    await post(newKey(), '/interrupt', {}).expect(404);
  });
});

describe('what centaur’s API lacks', () => {
  it('shows a session with its last turns, and one turn with its message and usage', async () => {
    const { key, executionId } = await finished('show me', 'look');
    const { body } = await supertest(app.url).get(path(key)).expect(200);
    expect(body).toMatchObject({ ok: true, thread_key: key, status: 'idle', turn_count: 1, model: 'claude-code' });
    expect(body.turns).toMatchObject([{ execution_id: executionId, sequence: 1, status: 'completed', error: null }]);
    const turn = await supertest(app.url)
      .get(path(key, `/turns/${executionId}`))
      .expect(200);
    expect(turn.body).toMatchObject({
      ...body.turns[0],
      usage: { output_tokens: 5 },
      message: { id: body.turns[0].message_id, content: [{ type: 'text', text: 'look' }] },
    });
    const byMessage = await supertest(app.url)
      .get(path(key, `/turns/${body.turns[0].message_id}`))
      .expect(200);
    expect(byMessage.body).toEqual(turn.body);
    await supertest(app.url).get(path(key, '/turns/exe_0')).expect(404);
    await supertest(app.url).get(path(newKey())).expect(404);
  });

  it('shows what each turn that has ended is billed with, and an unknown price as unknown', async () => {
    const { key } = await finished('no price', 'fine');
    await execute(key, 'a price', { metadata: { user_id: key } }).expect(200);
    const run = await app.harness.run('a price');
    const turns = async () => (await supertest(app.url).get(path(key)).expect(200)).body.turns;
    expect((await turns())[0]).not.toHaveProperty('billed');
    run.end({ type: 'model-call-end', model: 'claude-opus-5-5', usage: CALL_USAGE });
    await eventually(async () => (await turns())[0].status).toBe('completed');
    const report = await supertest(app.url).get('/api/usage?group_by=user').expect(200);
    const row = report.body.data.find(({ user }: { readonly user: string | null }) => user === key);
    const tokens = { input_tokens: 12, output_tokens: 5, cache_read_tokens: 100, cache_creation_tokens: 7 };
    const [priced, unpriced] = await turns();
    expect(priced.billed).toEqual({ ...tokens, cost_usd: row.cost_usd });
    expect(row.cost_usd).toBeGreaterThan(0);
    expect(unpriced.billed).toEqual({ ...tokens, cost_usd: null });
    const one = await supertest(app.url)
      .get(path(key, `/turns/${priced.execution_id}`))
      .expect(200);
    expect(one.body.billed).toEqual(priced.billed);
  });

  it('lists the threads of both APIs, the last changed first, page by page', async () => {
    const made = [await session(), await session(), await session()];
    const seen: string[] = [];
    let cursor = '';
    do {
      const { body } = await supertest(app.url).get(`/api/sessions?limit=2&cursor=${cursor}`).expect(200);
      expect(body.sessions.length).toBeLessThanOrEqual(2);
      for (const one of body.sessions) seen.push(one.thread_key);
      cursor = body.next_cursor ?? '';
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBe(await app.count('threads'));
    expect(seen.filter((key) => made.includes(key)).toSorted()).toEqual(made.toSorted());
    await supertest(app.url).get('/api/sessions?limit=0').expect(400);
    await supertest(app.url).get('/api/sessions?cursor=x').expect(400);
  });

  it('removes a thread with its process, its folders and its rows, and ends its readers', async () => {
    const { key, executionId, run } = await running('remove me');
    await post(key, '/messages', { messages: [message('waits')] }).expect(200);
    const thread = await app.app.get(ThreadStore).find('local', key);
    const folder = join(app.dataDirectory, 'threads', thread?.id ?? 'none');
    await expect.poll(() => existsSync(folder)).toBe(true);
    const [scoped, unscoped] = [read(key, `?execution_id=${executionId}`), read(key)];
    await unscoped.sees('execution_started');
    const { body } = await supertest(app.url).delete(path(key)).expect(200);
    expect(body).toEqual({ ok: true, deleted: true, thread_key: key });
    expect(run.interrupted).toBe(true);
    expect(existsSync(folder)).toBe(false);
    expect((await scoped.done()).names.at(-1)).toBe('execution_cancelled');
    expect((await unscoped.done()).names.at(-1)).toBe('execution_cancelled');
    await supertest(app.url).get(path(key)).expect(404);
    await supertest(app.url).delete(path(key)).expect(404);
    const anew = await create(key).expect(200);
    expect(anew.body.harness_switched).toBe(false);
  });

  it('keeps a thread listed as long as any of its folders is on the disk', async () => {
    const key = await session();
    const remove = vi.spyOn(app.app.get<Sandbox>(Sandbox), 'remove');
    for (const code of ['EBUSY', 'EPERM']) {
      remove.mockRejectedValueOnce(Object.assign(new Error(code), { code }));
      const { body } = await supertest(app.url).delete(path(key)).expect(500);
      expect(body.ok).toBe(false);
      await supertest(app.url).get(path(key)).expect(200);
    }
    await supertest(app.url).delete(path(key)).expect(200);
    await supertest(app.url).get(path(key)).expect(404);
    expect(remove).toHaveBeenCalledTimes(3);
    remove.mockRestore();
  });

  it('removes a thread that was made by the Messages API', async () => {
    const key = newKey();
    const answer = supertest(app.url).post('/v1/messages').set({ 'x-chiron-thread-key': key }).send(ask('from there'));
    const answered = answer.expect(200).then((response) => response.status);
    (await app.harness.run('from there')).answer('fine');
    expect(await answered).toBe(200);
    await supertest(app.url).delete(path(key)).expect(200);
    await supertest(app.url).get(path(key)).expect(404);
  });
});

describe('the session API', () => {
  it('answers routes and methods that it does not have in its own envelope', async () => {
    const missing = await supertest(app.url).get(path('api:x', '/nothing')).expect(404);
    expect(missing.body).toEqual({ ok: false, error: 'there is no such route' });
    await supertest(app.url).put(path('api:x')).expect(405);
    const malformed = await supertest(app.url).post(path('api:x')).set('content-type', 'application/json').send('{');
    expect(malformed.status).toBe(400);
    expect(malformed.body.ok).toBe(false);
  });

  it('is in the OpenAPI document with an example for every answer and every body', () => {
    const { paths } = openApiDocument(app.app);
    const routes = Object.entries(paths)
      .filter(([route]) => route.startsWith('/api/session'))
      .flatMap(([route, item]) => Object.keys(item).map((method) => `${method} ${route}`));
    expect(routes.toSorted()).toEqual([
      'delete /api/session/{threadKey}',
      'get /api/session/{threadKey}',
      'get /api/session/{threadKey}/events',
      'get /api/session/{threadKey}/files',
      'get /api/session/{threadKey}/files/{path}',
      'get /api/session/{threadKey}/history',
      'get /api/session/{threadKey}/turns/{turnId}',
      'get /api/sessions',
      'post /api/session/{threadKey}',
      'post /api/session/{threadKey}/cancel',
      'post /api/session/{threadKey}/execute',
      'post /api/session/{threadKey}/executions/{executionId}/answer',
      'post /api/session/{threadKey}/interrupt',
      'post /api/session/{threadKey}/messages',
      'put /api/session/{threadKey}/files/{path}',
    ]);
    for (const [route, item] of Object.entries(paths).filter(([route]) => route.startsWith('/api/session'))) {
      for (const operation of [item.get, item.post, item.put, item.delete]) {
        if (operation === undefined) continue;
        for (const [status, response] of Object.entries(operation.responses)) {
          expect(JSON.stringify(response), `${route} ${status}`).toContain('"example":');
        }
      }
    }
  });
});

describe('with keys', () => {
  let locked: TestApp;

  beforeAll(async () => {
    const { createHash } = await import('node:crypto');
    const keyOf = (name: string) => ({ name, sha256: createHash('sha256').update(`${name}-key`).digest() });
    locked = await startTestApp({ apiKeys: [keyOf('acme'), keyOf('other')] });
  });

  afterAll(() => locked.close());

  const as = (name: string) => ({ authorization: `Bearer ${name}-key` });

  it('answers a caller without a valid key in its own envelope', async () => {
    const missing = await supertest(locked.url).get(path('api:x')).expect(401);
    expect(missing.body).toEqual({ ok: false, error: 'missing bearer token' });
    const wrong = await supertest(locked.url).get(path('api:x')).set(as('nobody')).expect(401);
    expect(wrong.body).toEqual({ ok: false, error: 'invalid bearer token' });
  });

  it('shows a tenant nothing of another one', async () => {
    const body = { harness_type: 'claudecode' };
    await supertest(locked.url).post(path('api:mine')).set(as('acme')).send(body).expect(200);
    await supertest(locked.url).get(path('api:mine')).set(as('other')).expect(404);
    await supertest(locked.url).delete(path('api:mine')).set(as('other')).expect(404);
    const list = await supertest(locked.url).get('/api/sessions').set(as('other')).expect(200);
    expect(list.body.sessions).toEqual([]);
  });
});
