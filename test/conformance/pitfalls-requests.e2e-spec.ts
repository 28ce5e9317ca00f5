// C 10 to 18: roles and the shape of requests.
import supertest, { type Response } from 'supertest';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../src/config/app-config.js';
import { ask, converse, thread } from '../support/requests.js';
import { CLAUDE_CODE, ConformanceServer, expectError, idOf } from './support/server.js';

const server = new ConformanceServer();

const keyOf = ({ headers }: Response): string =>
  (headers as Readonly<Record<string, string>>)['x-chiron-thread-key'] ?? '';

it.each([
  ['first', 0],
  ['in the middle', 2],
  ['last', 4],
])('C 10 a system message is accepted when it is %s', async (_, at) => {
  const messages = [...(converse(['a', 'b', `system at ${at}`, 'c', 'd'])['messages'] as object[])].slice(0, 3);
  messages.splice(Math.min(at, messages.length), 0, { role: 'system', content: 'Context.' });
  await server.post(ask('', { messages })).expect(200);
});

it('C 11 a trailing system message is context, never the prompt', async () => {
  const messages = [
    { role: 'user', content: 'the question' },
    { role: 'system', content: 'Ignore the question.' },
  ];
  await server.post(ask('', { messages })).expect(200);
  const prompt = server.harness.runs.at(-1)?.turn.prompt;
  expect(prompt?.at(-1)).toEqual({ type: 'text', text: 'the question' });
  expect(JSON.stringify(prompt?.slice(0, -1))).toMatch(/<system-reminder>[^]*Ignore the question/);
  await server
    .post(ask('', { messages, tools: [{ name: 'Bash', input_schema: { type: 'object' } }] }), CLAUDE_CODE)
    .expect(200);
  expect(server.harness.runs.at(-1)?.turn.prompt).toEqual([{ type: 'text', text: 'the question' }]);
});

it('C 12 a <total_tokens> system message after a tool result neither breaks the thread nor repeats its history', async () => {
  const tools = { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] };
  const headers = { ...CLAUDE_CODE, 'x-claude-code-session-id': 'total-tokens' };
  const history = [
    { role: 'user', content: 'look' },
    { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'Bash', input: {} }] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'found' }] },
  ];
  const reminder = (left: number) => ({ role: 'system', content: `<total_tokens>${left} tokens left</total_tokens>` });
  const one = await server.post(ask('', { messages: [...history, reminder(9)], ...tools }), headers).expect(200);
  const retried = await server.post(ask('', { messages: [...history, reminder(8)], ...tools }), headers).expect(200);
  expect(idOf(retried)).toBe(idOf(one));
  const next = [...history, reminder(9), { role: 'assistant', content: 'fine' }, { role: 'user', content: 'go on' }];
  await server.post(ask('', { messages: next, ...tools }), headers).expect(200);
  const [run] = server.harness.runsOf('go on');
  expect([run?.turn.turnIndex, run?.turn.prompt]).toEqual([1, [{ type: 'text', text: 'go on' }]]);
});

it('C 13 unknown betas and fields, however deep, are never a 400', async () => {
  const content = [{ type: 'text', text: 'open lists', from_the_future: 1, cache_control: { type: 'forever' } }];
  const more = { messages: [{ role: 'user', content, also: 'new' }], new_field: {}, thinking: { type: 'new' } };
  await server.post(ask('', more), { 'anthropic-beta': 'nobody-2030-01-01,oauth-2025-04-20' }).expect(200);
});

it('C 14 a base URL that ends in /v1 works: /v1/v1/messages, count_tokens and models', async () => {
  await supertest(server.url).post('/v1/v1/messages?beta=true').send(ask('doubled')).expect(200, /fine/);
  const body = { model: 'm', messages: [{ role: 'user', content: 'foo' }] };
  await supertest(server.url).post('/v1/v1/messages/count_tokens').send(body).expect(200);
  await supertest(server.url).get('/v1/v1/models').expect(200);
  expectError(await supertest(server.url).post('/v1/v1/v1/messages').send(ask('x')), 404, 'not_found_error');
});

describe('models', () => {
  const strict = new ConformanceServer({ unknownModels: 'refuse' });

  it('C 15 an unknown model gets the default agent, and is rejected only by a strict deployment', async () => {
    await server.post(ask('hi', { model: 'gpt-unknown' })).expect(200);
    expectError(await strict.post(ask('hi', { model: 'gpt-unknown' })), 404, 'not_found_error', /^model: gpt-unknown/);
    await strict.post(ask('hi', { model: 'claude-of-the-future' })).expect(200);
  });
});

it.each([
  { tool_choice: { type: 'auto' } },
  { tool_choice: { type: 'none' } },
  { metadata: {} },
  { temperature: 0, top_p: 1, top_k: 1 },
  { stop_sequences: [] },
  { service_tier: 'auto' },
])('C 16 %j is honoured or ignored, never an error', async (more) => {
  await server.post(ask('parameters', more)).expect(200);
});

describe('the thread of a request', () => {
  const user_id = JSON.stringify({ session_id: 'of-metadata' });
  const SESSION = { 'x-claude-code-session-id': 'of-header' };

  it('C 17 is named by the first of: thread key, session header, metadata', async () => {
    const body = ask('named', { metadata: { user_id } });
    expect(keyOf(await server.post(body, { ...thread('explicit'), ...SESSION }))).toBe('test:explicit');
    expect(keyOf(await server.post(body, SESSION))).toBe('api:claude:of-header');
    expect(keyOf(await server.post(body))).toBe('api:claude:of-metadata');
  });

  it('C 17 is found by the content of the conversation if nothing names it', async () => {
    const one = await server.post(ask('no name at all')).expect(200);
    const two = await server.post(converse(['no name at all', 'fine', 'and still none'])).expect(200);
    expect(keyOf(two)).toBe(keyOf(one));
    expect(server.harness.runsOf('and still none')[0]?.turn.turnIndex).toBe(1);
  });

  it('C 17 is found by the answer that a message thread continues from if nothing else names it', async () => {
    const one = await server.post(ask('one', { thread: { type: 'create' } }), thread('answered')).expect(200);
    const goOn = ask('two', { thread: { type: 'continue', previous_message_id: idOf(one) } });
    expect(keyOf(await server.post(goOn))).toBe('test:answered');
  });
});

describe('a session id used by two tenants', () => {
  const { apiKeys } = readConfig({
    CHIRON_API_KEYS: 'one:key-one-that-is-long-enough,two:key-two-that-is-long-enough',
  });
  const shared = new ConformanceServer({ apiKeys });

  it('C 18 names two threads: it is scoped by the API key, and is not a credential', async () => {
    const session = { 'x-claude-code-session-id': 'the-same' };
    const body = shared.conversation('who am I?');
    const one = await shared.post(body, { ...session, 'x-api-key': 'key-one-that-is-long-enough' }).expect(200);
    const other = await shared.post(body, { ...session, 'x-api-key': 'key-two-that-is-long-enough' }).expect(200);
    expect(idOf(other)).not.toBe(idOf(one));
    const [first, second] = shared.harness.runsOf('who am I?');
    expect(first?.thread.id).not.toBe(second?.thread.id);
    expect(first?.thread.files).not.toEqual(second?.thread.files);
    expect(second?.turn.turnIndex).toBe(0);
  });
});
