import supertest from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, thread } from '../support/requests.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const tool = (name: string, more: object = {}) => ({
  name,
  description: `The tool ${name}.`,
  input_schema: { type: 'object', properties: { city: { type: 'string' } } },
  ...more,
});
const WITH_TOOLS = { model: 'demo', tools: [tool('weather'), tool('traffic')] };
const PARIS = '/call weather {"city":"Paris"}';
const CLAUDE_CODE = { 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)' };

interface Block {
  readonly type: string;
  readonly id: string;
  readonly name?: string;
  readonly text?: string;
}

let app: TestApp;

beforeAll(async () => {
  app = await startTestApp();
});

afterAll(() => app.close());

const post = (body: object, headers: Readonly<Record<string, string>> = {}) =>
  supertest(app.url).post('/v1/messages').set(headers).send(body);
const results = (message: { readonly content: readonly Block[] }, content: unknown = 'sunny') =>
  message.content
    .filter(({ type }) => type === 'tool_use')
    .map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content }));
const calls = (message: { readonly content: readonly Block[] }) =>
  message.content.filter(({ type }) => type === 'tool_use').map(({ name }) => name);
const textOf = (message: { readonly content: readonly Block[] }) =>
  message.content.map(({ text = '' }) => text).join('');

describe('a call of a tool that the caller declares', () => {
  it('ends the message, and the same agent continues from its result', async () => {
    const { body: called } = await post(ask(PARIS, WITH_TOOLS), thread('call'));
    expect(called).toMatchObject({
      content: [
        { type: 'tool_use', id: expect.stringMatching(/^toolu_/) as string, name: 'weather', input: { city: 'Paris' } },
      ],
      stop_reason: 'tool_use',
    });
    const { body: answered } = await post(ask(results(called), WITH_TOOLS), thread('call'));
    expect(answered).toMatchObject({ stop_reason: 'end_turn' });
    expect(textOf(answered)).toContain('The tool returned: sunny');
  });

  it('follows the grammar of a stream', async () => {
    const stream = SseClient.post(app.url, ask(PARIS, { ...WITH_TOOLS, stream: true }), thread('stream'));
    await stream.done();
    expect(checkGrammar(stream.events)).toEqual([]);
    expect(stream.events.at(-2)).toMatchObject({ type: 'message_delta', delta: { stop_reason: 'tool_use' } });
  });

  it('is answered by a caller that names no thread and sends the whole conversation', async () => {
    const first = ask('/call weather {}\nthen\n!echo between\n/call traffic {}', WITH_TOOLS);
    const { body: one } = await post(first);
    const user = { role: 'user', content: (first['messages'] as readonly { content: string }[])[0]?.content };
    const history = [user, { role: 'assistant', content: one.content }, { role: 'user', content: results(one) }];
    const { body: two } = await post(ask('', { ...WITH_TOOLS, messages: history }));
    expect(calls(two)).toEqual(['traffic']);
    expect(two.content.map(({ type }: Block) => type)).toContain('mcp_tool_result');
    const more = [
      ...history,
      { role: 'assistant', content: two.content },
      { role: 'user', content: results(two, 'slow') },
    ];
    const { body: three } = await post(ask('', { ...WITH_TOOLS, messages: more }));
    expect(textOf(three)).toContain('slow');
    expect(three.stop_reason).toBe('end_turn');
  });

  it('is answered through a message thread', async () => {
    const { body: called } = await post(ask(PARIS, { ...WITH_TOOLS, thread: { type: 'create' } }));
    const next = { type: 'continue', previous_message_id: called.id };
    const { body: answered } = await post(ask(results(called), { ...WITH_TOOLS, thread: next }));
    expect(textOf(answered)).toContain('sunny');
  });

  it('comes with others at once, unless the request forbids parallel calls', async () => {
    const both = '/call weather {}\n/call traffic {}';
    const { body: together } = await post(ask(both, WITH_TOOLS), thread('parallel'));
    expect(calls(together)).toEqual(['weather', 'traffic']);
    const serial = { ...WITH_TOOLS, tool_choice: { type: 'auto', disable_parallel_tool_use: true } };
    const { body: first } = await post(ask(both, serial), thread('serial'));
    expect(calls(first)).toEqual(['weather']);
    const { body: second } = await post(ask(results(first), serial), thread('serial'));
    expect(calls(second)).toEqual(['traffic']);
  });

  it('gets images, errors and a message with its result', async () => {
    const { body: called } = await post(ask('/call weather {}\n/call traffic {}', WITH_TOOLS), thread('rich'));
    const [one, other] = results(called);
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'iVBORw0KGgo=' } };
    const content = [
      { ...one, content: [{ type: 'text', text: 'a map' }, image] },
      { ...other, is_error: true, content: 'down' },
    ];
    const { body } = await post(ask([...content, { type: 'text', text: 'What now?' }], WITH_TOOLS), thread('rich'));
    expect(textOf(body)).toContain('The tool returned: a map [image]');
    expect(textOf(body)).toContain('The tool failed: down');
    expect(textOf(body)).toContain('You said: What now?');
  });

  it('is made again for a retry, and so is the answer to its result', async () => {
    const { body: called } = await post(ask(PARIS, WITH_TOOLS), thread('retry'));
    expect(
      (
        await post(ask(PARIS, { ...WITH_TOOLS, messages: [{ role: 'user', content: PARIS }] }), {
          ...thread('retry'),
          ...CLAUDE_CODE,
          'x-chiron-caller-tools': 'on',
        })
      ).body.id,
    ).toBe(called.id);
    const key = { 'idempotency-key': 'results' };
    const [one, two] = await Promise.all(
      [0, 1].map(() => post(ask(results(called), WITH_TOOLS), { ...thread('retry'), ...key })),
    );
    expect(one?.body.id).toBe(two?.body.id);
  });
});

describe('results that the agent does not wait for', () => {
  it('are refused, and the agent goes on waiting', async () => {
    const { body: called } = await post(ask('/call weather {}\n/call traffic {}', WITH_TOOLS), thread('wrong'));
    const [one] = results(called);
    const partial = await post(ask([one], WITH_TOOLS), thread('wrong'));
    expect(partial.status).toBe(400);
    expect(partial.body.error.message).toMatch(/`tool_use` ids were found without `tool_result` blocks.*toolu_/);
    const unknown = await post(
      ask([...results(called), { ...one, tool_use_id: 'toolu_other' }], WITH_TOOLS),
      thread('wrong'),
    );
    expect(unknown.body.error.message).toMatch(/unexpected `tool_use_id` found in `tool_result` blocks: toolu_other/);
    const twice = await post(ask([...results(called), one], WITH_TOOLS), thread('wrong'));
    expect(twice.body.error.message).toMatch(/each tool_use must have a single result/);
    expect((await post(ask(results(called), WITH_TOOLS), thread('wrong'))).status).toBe(200);
  });

  it('are refused when they were given before', async () => {
    const { body: called } = await post(ask(PARIS, WITH_TOOLS), thread('again'));
    await post(ask(results(called), WITH_TOOLS), thread('again'));
    const again = await post(ask(results(called, 'rainy'), WITH_TOOLS), thread('again'));
    expect(again.status).toBe(400);
    expect(again.body.error).toMatchObject({
      type: 'invalid_request_error',
      message: expect.stringMatching(/unexpected/) as string,
    });
  });

  it('are errors for the agent when the caller says something else', async () => {
    const { body: called } = await post(ask(PARIS, WITH_TOOLS), thread('other'));
    const { body } = await post(ask('Never mind.', WITH_TOOLS), thread('other'));
    expect(textOf(body)).toContain('The tool failed: The caller did not run this tool');
    expect(textOf(body)).toContain('You said: Never mind.');
    expect((await post(ask(results(called), WITH_TOOLS), thread('other'))).status).toBe(400);
  });
});

describe('the tools of a request', () => {
  it('are offered by SDKs, and by Claude Code only if it asks for it', async () => {
    let count = 0;
    const said = async (headers: Readonly<Record<string, string>>) =>
      (await post(ask(PARIS, WITH_TOOLS), { ...headers, ...thread(`policy-${(count += 1)}`) })).body.stop_reason;
    expect(await said({})).toBe('tool_use');
    expect(await said({ 'x-chiron-caller-tools': 'off' })).toBe('end_turn');
    expect(await said(CLAUDE_CODE)).toBe('end_turn');
    expect(await said({ ...CLAUDE_CODE, 'x-chiron-caller-tools': 'on' })).toBe('tool_use');
  });

  it('are not called with tool_choice none', async () => {
    const { body } = await post(ask(PARIS, { ...WITH_TOOLS, tool_choice: { type: 'none' } }));
    expect(textOf(body)).toContain('The caller has no tool weather.');
  });

  it('may change between turns', async () => {
    await post(ask('hi', WITH_TOOLS), thread('change'));
    const { body } = await post(ask('/call news {}', { model: 'demo', tools: [tool('news')] }), thread('change'));
    expect(calls(body)).toEqual(['news']);
  });

  it('of which the API runs some are passed over, and those with a known schema are offered', async () => {
    const tools = [
      { type: 'web_search_20250305', name: 'web_search' },
      { type: 'bash_20250124', name: 'bash' },
    ];
    const { body } = await post(ask('/call bash {"command":"ls"}\n/call web_search {}', { model: 'demo', tools }));
    expect(calls(body)).toEqual(['bash']);
  });

  it.each([
    [{ tools: [{ name: 'a' }] }, 'tools.0.custom.input_schema: Field required'],
    [{ tools: [tool('a'), tool('a')] }, 'tools: Tool names must be unique.'],
    [{ tools: [tool('')] }, 'tools.0.custom.name: String should have at least 1 character'],
    [{ tools: ['a'] }, 'tools.0: Input should be a valid dictionary'],
    [
      { tools: [tool('a', { allowed_callers: ['code_execution_20260120'] })] },
      'tools.0.custom.allowed_callers: must include',
    ],
    [{ tools: [tool('a')], tool_choice: { type: 'tool', name: 'b' } }, "Tool 'b' not found in provided tools"],
    [{ tools: [tool('a')], tool_choice: { type: 'some' } }, 'tool_choice.type: Input should be'],
    [{ tools: [], tool_choice: { type: 'any' } }, 'tool_choice: may only be any if there are tools'],
  ])('are refused when they are wrong: %j', async (fields, problem) => {
    const { status, body } = await post(ask('hi', { model: 'demo', ...fields }));
    expect(status).toBe(400);
    expect(body.error.message).toContain(problem);
  });

  it('are chosen from by the agent when the request forces any of them', async () => {
    const { body } = await post(ask('hi', { ...WITH_TOOLS, tool_choice: { type: 'any' } }));
    expect(calls(body)).toEqual(['weather']);
    expect(body.stop_reason).toBe('tool_use');
  });
});
