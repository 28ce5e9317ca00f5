// C 36 to 51: threads and sessions. Over 250 lines: one test or more for each of 16 pitfalls.
import { rmSync } from 'node:fs';
import supertest from 'supertest';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { ConfigurationError } from '../../src/config/configuration-error.js';
import { assertClosedToOthers } from '../../src/start/open-access.js';
import { skipAhead } from '../support/clock.js';
import { eventually } from '../support/eventually.js';
import { ask, converse, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { SessionReader } from '../support/session-events.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { CLAUDE_CODE, ConformanceServer, expectError, idOf } from './support/server.js';
import { toSeedText } from '../support/seed-text.js';

const server = new ConformanceServer();

afterEach(() => {
  vi.restoreAllMocks();
});

it('C 36 thread.continue is not taken for a full conversation: the agent knows the history, or the caller gets an error', async () => {
  const one = await server.post(ask('my name is Ann', { thread: { type: 'create' } })).expect(200);
  const goOn = (id: string) => ask('who am I?', { thread: { type: 'continue', previous_message_id: id } });
  await server.post(goOn(idOf(one))).expect(200);
  const [first, second] = [...server.harness.runsOf('my name is Ann'), ...server.harness.runsOf('who am I?')];
  expect(second?.thread.id).toBe(first?.thread.id);
  expect(second?.turn.turnIndex).toBe(1);
  const lost = await server.post(goOn('msg_lost'));
  expectError(lost, 404, 'not_found_error');
  expect(lost.body).toMatchObject({ error: { details: { error_code: 'thread_not_found' } } });
});

it('C 37 C 41 an agent without memory is seeded with the conversation and its tools before its first prompt', async () => {
  const messages = [
    { role: 'user', content: 'What is in a?' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'Read', input: { path: 'a' } }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'the text of a' }] },
    { role: 'assistant', content: 'A text.' },
    { role: 'user', content: 'Which one?' },
  ];
  await server.post(ask('', { messages }), thread('began elsewhere')).expect(200);
  const [run] = server.harness.runsOf('Which one?');
  const told = toSeedText(run?.turn.seed);
  for (const part of ['What is in a?', 'Read', '"path"', 'the text of a', 'A text.']) expect(told).toContain(part);
  const next = [...messages, { role: 'assistant', content: 'fine' }, { role: 'user', content: 'Thanks.' }];
  await server.post(ask('', { messages: next }), thread('began elsewhere')).expect(200);
  expect(server.harness.runsOf('Thanks.')[0]?.turn.seed).toBeUndefined();
});

describe('a restarted server', () => {
  const apps: TestApp[] = [];

  afterAll(() => {
    for (const { dataDirectory } of apps) rmSync(dataDirectory, { recursive: true, force: true });
  });

  const start = async (earlier?: TestApp): Promise<TestApp> => {
    const app = await startTestApp(earlier === undefined ? {} : { dataDirectory: earlier.dataDirectory });
    apps.push(app);
    return app;
  };
  const say = (app: TestApp, ...texts: readonly string[]) =>
    SseClient.post(app.url, converse(['hello', 'Hi.', ...texts], { stream: true }), thread('kept'));

  it('C 37 C 40 resumes the agent’s own session of a thread, in a new process', async () => {
    const before = await start();
    const first = say(before, 'before');
    const run = await before.harness.run('before');
    run.say({ type: 'session-started', sessionId: 'the session' });
    run.answer('done');
    await first.done();
    await before.close({ keepData: true });

    const after = await start(before);
    const second = say(after, 'before', 'done', 'after');
    const next = await after.harness.run('after');
    expect(next.thread).toMatchObject({ id: run.thread.id, sessionId: 'the session', folders: run.thread.folders });
    expect(next.turn.turnIndex).toBe(1);
    next.answer('still here');
    expect((await second.done()).said).toBe('still here');
    await after.close({ keepData: true });
  });

  it('C 45 makes an error result for a tool that ran when the old server died, so that the thread continues', async () => {
    const before = await start();
    const first = say(before, 'dies at work');
    (await before.harness.run('dies at work')).say(
      { type: 'session-started', sessionId: 'the session' },
      { type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'make' } },
    );
    await first.sees('mcp_tool_use');
    await before.close({ keepData: true });

    const after = await start(before);
    const again = say(after, 'dies at work');
    (await after.harness.run('dies at work')).end(...modelCall(textBlock('Made again.')));
    await again.done();
    expect(checkGrammar(again.events)).toEqual([]);
    expect(again.text).toMatch(/"type":"mcp_tool_result","tool_use_id":"mcptoolu_t","is_error":true/);
    expect(again.said).toBe('Made again.');
    await after.close({ keepData: true });
  });
});

it('C 38 concurrent messages on a thread run one after the other, and none is lost', async () => {
  const prompts = ['first', 'second', 'third', 'fourth'].map((word) => `${word} at once`);
  let [running, most] = [0, 0];
  for (const prompt of prompts) {
    server.plays(prompt, (run) => {
      running += 1;
      most = Math.max(most, running);
      setImmediate(() => {
        running -= 1;
        run.answer(`to ${prompt}`);
      });
    });
  }
  const answers = await Promise.all(prompts.map((prompt) => server.post(ask(prompt), thread('at once'))));
  expect(answers.map(({ body }) => (body as { content: { text: string }[] }).content[0]?.text)).toEqual(
    prompts.map((prompt) => `to ${prompt}`),
  );
  const runs = prompts.flatMap((prompt) => server.harness.runsOf(prompt));
  expect(new Set(runs.map((run) => run.turn.turnIndex))).toEqual(new Set([0, 1, 2, 3]));
  expect(most).toBe(1);
});

it('C 39 parallel calls of one tool are shown separately, each with its own result', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `call${index}`);
  const { message } = await server.answer('twenty at once', (run) =>
    run.end(
      ...ids.map((id) => ({ type: 'tool-call', id, name: 'Bash', server: 'agent', input: { command: 'ls' } }) as const),
      ...ids
        .toReversed()
        .map((id) => ({ type: 'tool-result', id, content: [{ type: 'text', text: id }], isError: false }) as const),
    ),
  );
  const calls = message.content.flatMap((block) => (block.type === 'mcp_tool_use' ? [block.id] : []));
  const results = message.content.flatMap((block) =>
    block.type === 'mcp_tool_result' ? [[block.tool_use_id, block.content[0]?.text]] : [],
  );
  expect(calls).toEqual(ids.map((id) => `mcptoolu_${id}`));
  expect(results).toEqual(ids.toReversed().map((id) => [`mcptoolu_${id}`, id]));
});

describe('a silent agent', () => {
  it('C 44 is stopped and resumed, but not while a tool runs', async () => {
    const { stream, run } = await server.held('long tool');
    run.say({ type: 'tool-call', id: 't', name: 'Bash', server: 'agent', input: { command: 'make' } });
    await stream.sees('mcp_tool_use');
    const { stream: beside } = await server.held('silent beside it');
    skipAhead(1_200_000);
    // The agent without a tool was stopped, so the tick has checked the other one as well.
    (await server.harness.run('silent beside it', 2)).end();
    await beside.done();
    expect(server.harness.runsOf('long tool')).toHaveLength(1);
    run.say({ type: 'tool-result', id: 't', content: [], isError: false });
    await stream.sees('mcp_tool_result');
    skipAhead(2_400_000);
    const second = await server.harness.run('long tool', 2);
    expect([run.died, second.turn.attempt]).toEqual([true, 2]);
    second.end(...textBlock('made'));
    await stream.done();
    expect(server.harness.runsOf('long tool')).toHaveLength(2);
    expect(checkGrammar(stream.events)).toEqual([]);
  });
});

it('C 46 a title request neither waits for the turn of its session nor starts one', async () => {
  const session = { ...CLAUDE_CODE, 'x-claude-code-session-id': 'titled' };
  const { stream, run } = await server.held(
    'the work',
    ask('the work', { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }),
    session,
  );
  const format = { type: 'json_schema', schema: { type: 'object', properties: { title: { type: 'string' } } } };
  const title = await server.post(ask('the work', { tools: [], output_config: { format } }), session).expect(200);
  expect(title.text).toContain(String.raw`{\"title\":\"the work\"}`);
  run.answer('done');
  await stream.done();
  expect(server.harness.runsOf('the work')).toHaveLength(1);
});

it('C 47 an inner tool is never a call that the caller would run, whatever its name', async () => {
  for (const form of ['mcp', 'server', 'text', 'none']) {
    const { stream, whole } = await server.answer(
      `work as ${form}`,
      (run) =>
        run.end(
          { type: 'tool-call', id: 'toolu_1', name: 'Bash', server: 'agent', input: { command: 'rm -rf /' } },
          { type: 'tool-result', id: 'toolu_1', content: [], isError: true },
          ...textBlock('It was refused.'),
        ),
      { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] },
      { ...CLAUDE_CODE, 'x-chiron-tool-blocks': form },
    );
    expect(stream.text + whole.text).not.toMatch(/"type":"tool_use"|"stop_reason":"tool_use"/);
  }
});

describe('a server without keys', () => {
  it('C 48 answers programs on its own machine only, and does not start on a public address', async () => {
    await server.post(ask('from here')).expect(200);
    for (const headers of [
      { host: 'chiron.example.com' },
      { origin: 'https://example.com' },
      { 'sec-fetch-site': 'cross-site' },
    ]) {
      expectError(await server.post(ask('from a web page'), headers), 403, 'permission_error');
    }
    expect(server.harness.runsOf('from a web page')).toEqual([]);
    expect(() => assertClosedToOthers(readConfig({ HOST: '0.0.0.0' }), false)).toThrow(ConfigurationError);
  });
});

it('C 49 a long silence has more than pings, and a caller that gave up starts no second turn', async () => {
  const { stream, run } = await server.held('long silence', server.conversation('long silence'));
  run.say({ type: 'text-delta', id: 'a', text: 'open' });
  await stream.sees('open');
  skipAhead(31_000);
  await stream.sees('"text_delta","text":""');
  stream.leave();
  vi.restoreAllMocks();
  const again = server.open(server.conversation('long silence', { stream: true }), thread('long silence'));
  await again.sees('open');
  run.end();
  await again.done();
  expect(again.messageId).toBe(stream.messageId);
  expect(server.harness.runsOf('long silence')).toHaveLength(1);
});

describe('the events of a thread', () => {
  const { apiKeys } = readConfig({
    CHIRON_API_KEYS: 'one:key-one-that-is-long-enough,two:key-two-that-is-long-enough',
  });
  const shared = new ConformanceServer({ apiKeys });
  const path = (rest = '') => `${shared.url}/api/session/${encodeURIComponent('test:events')}${rest}`;
  const ONE = { 'x-api-key': 'key-one-that-is-long-enough' };
  const read = (query: string, headers = {}) => SessionReader.open(path(`/events${query}`), { ...ONE, ...headers });

  it('C 50 are numbered and stored: a reader resumes after its last event, and the session state is current', async () => {
    shared.waits('in pieces');
    const answer = shared.open(ask('in pieces'), { ...ONE, ...thread('events') });
    const run = await shared.harness.run('in pieces');
    run.say(...textBlock('one ', 'a'));
    const first = await read('').sees('"delta":"one "');
    first.leave();
    await eventually(() => first.closed).toBe(true);
    run.end(...textBlock('two', 'b'));
    await answer.done();
    const last = String(first.ids.at(-1));
    for (const rest of [read(`?after_event_id=${last}`), read('', { 'last-event-id': last })]) {
      await rest.sees('"result_text"');
      expect(rest.said).toBe('two');
      expect(Math.min(...rest.ids)).toBeGreaterThan(Number(last));
      rest.leave();
    }
    const { body } = await supertest(shared.url).get(path().slice(shared.url.length)).set(ONE).expect(200);
    expect(body).toMatchObject({ status: 'idle' });
  });

  it('C 51 are authorised by tenant, not by event id or thread key', async () => {
    const other = SessionReader.open(path('/events?after_event_id=0'), { 'x-api-key': 'key-two-that-is-long-enough' });
    await other.done();
    expect([other.status, other.text]).toEqual([404, expect.not.stringContaining('one')]);
    expectError(await shared.post(ask('hi'), {}), 401, 'authentication_error');
    const cancel = supertest(shared.url).post(`/v1/messages/${idOf(await shared.post(ask('mine'), ONE))}/cancel`);
    expectError(await cancel.set('x-api-key', 'key-two-that-is-long-enough'), 404, 'not_found_error');
  });
});
