import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import supertest, { type Response } from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPromptText } from '../../src/domain/prompt.js';
import { ThreadStore } from '../../src/storage/stores/thread.store.js';
import { ask } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
  app.harness.onRun = (run) => {
    if (readPromptText(run.turn.prompt) === 'fail') run.fail('overloaded');
    else run.answer(run.turn.outputSchema === undefined ? 'fine' : '{}');
  };
});

afterAll(() => app.close());

const post = (headers: Readonly<Record<string, string>>, body: object = ask('hi')) =>
  supertest(app.url).post('/v1/messages').set(headers).send(body);

const keyOf = (response: Response): string => {
  expect(response.status).toBe(200);
  return Buffer.from(String(response.headers['x-chiron-thread-key']), 'latin1').toString('utf8');
};

const userId = (value: unknown): object => ask('hi', { metadata: { user_id: value } });

describe('the thread of a request', () => {
  it('is named by the thread key header, in either spelling', async () => {
    expect(keyOf(await post({ 'x-chiron-thread-key': 'slack:C1:17.2' }))).toBe('slack:C1:17.2');
    expect(keyOf(await post({ 'x-centaur-thread-key': 'web:t1' }))).toBe('web:t1');
  });

  it('is named by Claude Code’s session id, in its header or in the metadata', async () => {
    expect(keyOf(await post({ 'x-claude-code-session-id': '8c1f' }))).toBe('api:claude:8c1f');
    const metadata = userId(JSON.stringify({ device_id: 'd', account_uuid: '', session_id: '9d2e' }));
    expect(keyOf(await post({}, metadata))).toBe('api:claude:9d2e');
    const session = 'ac97437c-bf2d-4e26-980d-23732137fd18';
    for (const account of ['', '6d7f7b0a-7d5c-4c0e-9a40-7f2f7f1d2b11']) {
      const older = userId(`user_d36487ddc20ff9d2_account_${account}_session_${session}`);
      expect(keyOf(await post({}, older))).toBe(`api:claude:${session}`);
    }
  });

  it('is named by the first of: thread key, session header, metadata', async () => {
    const metadata = userId('{"session_id":"c"}');
    const session = { 'x-claude-code-session-id': 'b' };
    const centaur = { 'x-centaur-thread-key': 'y:a' };
    expect(keyOf(await post({ 'x-chiron-thread-key': 'x:a', ...centaur, ...session }, metadata))).toBe('x:a');
    expect(keyOf(await post({ ...centaur, ...session }, metadata))).toBe('y:a');
    expect(keyOf(await post(session, metadata))).toBe('api:claude:b');
    expect(keyOf(await post({}, metadata))).toBe('api:claude:c');
  });

  it.each([undefined, 'somebody', '{', '{"session_id":7}', 'null', 5, 'user_1_account__session_2'])(
    'is new when nothing names it (metadata.user_id: %j)',
    async (value) => {
      const [one, other] = [keyOf(await post({}, userId(value))), keyOf(await post({}, userId(value)))];
      expect(one).toMatch(/^api:[0-9a-f-]{36}$/);
      expect(other).not.toBe(one);
    },
  );

  it('may have any Unicode letters in its key', async () => {
    const key = 'chat:zażółć 🌍';
    const header = Buffer.from(key).toString('latin1');
    for (const body of [ask('hi'), ask('hi', { stream: true }), ask('fail')]) {
      const caller = await SseClient.post(app.url, body, { 'x-chiron-thread-key': header }).done();
      expect(caller.headers['x-chiron-thread-key']).toBe(header);
    }
    expect(await app.app.get(ThreadStore).find('local', key)).toMatchObject({ key });
  });

  const bad: readonly (readonly [string, string])[] = [
    ['', 'thread_key is required'],
    [`a:${'x'.repeat(511)}`, 'thread_key must be at most 512 bytes'],
    [`a:${Buffer.from('ż'.repeat(256)).toString('latin1')}`, 'thread_key must be at most 512 bytes'],
    ['{"a":1}', 'thread_key must not be raw JSON'],
    ['[a:b]', 'thread_key must not be raw JSON'],
    ['a:b\tc', 'thread_key must not contain ASCII control characters'],
    ['no-colon', "thread_key must be namespaced as '<source>:<id>'"],
    [':id', "thread_key must be namespaced as '<source>:<id>'"],
    ['source:', "thread_key must be namespaced as '<source>:<id>'"],
  ];

  it.each(bad)('cannot have the key %j', async (key, message) => {
    const threads = await app.count('threads');
    const folders = foldersOf(app);
    for (const name of ['x-chiron-thread-key', 'x-centaur-thread-key']) {
      const response = await post({ [name]: key }).expect(400);
      expect(response.body).toMatchObject({ error: { type: 'invalid_request_error', message } });
      expect(response.headers['x-chiron-thread-key']).toBeUndefined();
    }
    expect(await app.count('threads')).toBe(threads);
    expect(foldersOf(app)).toEqual(folders);
  });

  it('cannot have a session id that is empty or invalid as a key', async () => {
    const threads = await app.count('threads');
    await post({ 'x-claude-code-session-id': '' }).expect(400, /must not be empty/);
    await post({}, userId('{"session_id":""}')).expect(400, /must not be empty/);
    await post({ 'x-claude-code-session-id': 'x'.repeat(600) }).expect(400, /at most 512 bytes/);
    await post({}, userId(JSON.stringify({ session_id: 'a\u0001b' }))).expect(400, /control characters/);
    expect(await app.count('threads')).toBe(threads);
  });
});

describe('the first request of a thread', () => {
  it('fixes harness, model and system prompt for all later requests', async () => {
    const headers = { 'x-chiron-thread-key': 'fixed:1' };
    const first = await post(headers, ask('one', { model: 'claude-first', system: 'Be brief.' })).expect(200);
    const later = await post(headers, ask('two', { model: 'demo', system: 'Be long.' })).expect(200);
    expect(first.body).toMatchObject({ model: 'claude-first' });
    expect(later.body).toMatchObject({ model: 'claude-first' });
    const [run] = app.harness.runsOf('two');
    expect(run?.thread).toMatchObject({ model: 'claude-first', systemPrompt: 'Be brief.' });
    expect(run?.thread.env).toMatchObject({
      CLAUDE_MODEL: 'claude-first',
      CENTAUR_EXTRA_SYSTEM_PROMPT: 'Be brief.',
      CENTAUR_THREAD_KEY: 'fixed:1',
    });
  });

  it('can select a harness by name; the answer has the requested model', async () => {
    const named = await post({ 'x-chiron-thread-key': 'named:1' }, ask('hi', { model: 'demo/any' })).expect(200);
    expect(named.body).toMatchObject({ model: 'demo/any' });
    expect(named.text).toContain('I am the demo agent');
  });

  it('with a model that the harness does not know gets the harness’s default, and the answer names it', async () => {
    const own = await post({ 'x-chiron-thread-key': 'own:1' }, ask('own model', { model: 'gpt-9' })).expect(200);
    expect(own.body).toMatchObject({ model: 'claude-code' });
    const [run] = app.harness.runsOf('own model');
    expect(run?.thread.model).toBeUndefined();
    expect(run?.thread.env).not.toHaveProperty('CLAUDE_MODEL');
  });

  it('of Claude Code passes on its system prompt without billing data, marked as about the caller’s machine', async () => {
    const headers = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)', 'x-claude-code-session-id': 'system' };
    const system = [
      { type: 'text', text: 'x-anthropic-billing-header: cc_version=2.1.330.765; cc_entrypoint=sdk-cli;' },
      { type: 'text', text: 'You are a Claude agent.', cache_control: { type: 'ephemeral' } },
    ];
    await post(
      headers,
      ask('caller system', { system, tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }),
    ).expect(200);
    const [run] = app.harness.runsOf('caller system');
    expect(run?.thread.systemPrompt).toMatch(/the machine and the tools of the caller.*You are a Claude agent\.$/s);
    expect(run?.thread.systemPrompt).not.toContain('billing');
  });

  it('keeps one warm harness for the turns of its thread', async () => {
    const headers = { 'x-chiron-thread-key': 'warm:1' };
    const opened = app.harness.opened.length;
    await post(headers, ask('warm one')).expect(200);
    await post(headers, ask('warm two')).expect(200);
    expect(app.harness.opened).toHaveLength(opened + 1);
    expect(app.harness.runsOf('warm two')[0]?.turn.turnIndex).toBe(1);
  });
});

describe('a side request of Claude Code', () => {
  const session = { 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-claude-code-session-id': 'sides' };
  const title = { output_config: { format: { type: 'json_schema', schema: {} } }, tools: [] };

  it('does not affect the thread of its session id', async () => {
    await post(session, ask('name this', { ...title, model: 'claude-small', system: 'You name sessions.' })).expect(
      200,
    );
    const main = await post(
      session,
      ask('the real one', { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }),
    ).expect(200);
    expect(keyOf(main)).toBe('api:claude:sides');
    expect(main.body).toMatchObject({ model: 'claude-opus-5-5' });
    expect(app.harness.runsOf('the real one')[0]?.turn.turnIndex).toBe(0);
    const agent = await post(
      { ...session, 'x-claude-code-agent-id': 'a1' },
      ask('sub', { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }),
    );
    expect(keyOf(agent)).not.toBe('api:claude:sides');
  });

  it('is an ordinary request when another client sends it', async () => {
    const response = await post({ 'x-claude-code-session-id': 'sdk' }, ask('as JSON, please', title));
    expect(keyOf(response)).toBe('api:claude:sdk');
  });
});

function foldersOf({ dataDirectory }: TestApp): readonly string[] {
  const threads = join(dataDirectory, 'threads');
  return existsSync(threads) ? readdirSync(threads).toSorted() : [];
}
