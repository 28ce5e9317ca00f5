import supertest, { type Response } from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { skipAhead } from '../support/clock.js';
import { ask, converse, thread } from '../support/requests.js';
import { modelCall, textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';

const LS: HarnessEvent = { type: 'tool-call', id: 'toolu_1', name: 'Bash', server: 'agent', input: { command: 'ls' } };
const FILES: HarnessEvent = {
  type: 'tool-result',
  id: 'toolu_1',
  content: [{ type: 'text', text: 'a.txt' }],
  isError: false,
};
const WORK = modelCall([...textBlock('Looking.', 'a'), LS, FILES, ...textBlock('One file.', 'b')]);
const AS_TEXT = ['Looking.', 'Bash(ls)\n```text\n⎿  a.txt\n```', 'One file.'];
const TERMINAL = { 'user-agent': 'claude-cli/2.1.330 (external, cli)', 'x-app': 'cli' };
const IN_TEXT = { 'x-chiron-tool-blocks': 'text' };
const TOOLS = { tools: [{ name: 'Bash', input_schema: { type: 'object' } }] };
const FORMAT = { type: 'json_schema', schema: { type: 'object', properties: { count: { type: 'integer' } } } };

type Headers = Readonly<Record<string, string>>;

interface Block {
  readonly type: string;
  readonly text?: string;
}
const contentOf = (response: Response): readonly Block[] =>
  (response.body as { readonly content: readonly Block[] }).content;
const textsOf = (response: Response): readonly (string | undefined)[] => contentOf(response).map(({ text }) => text);
const typesOf = (response: Response): readonly string[] => contentOf(response).map(({ type }) => type);
const keyOf = (response: Response): string => String(response.headers['x-chiron-thread-key']);

describe('inner tools in an answer', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    app.harness.onRun = (run) => run.end(...WORK);
  });
  afterEach(() => {
    vi.restoreAllMocks();
    app.harness.onRun = (run) => run.end(...WORK);
  });
  afterAll(() => app.close());

  const post = (body: object, headers: Headers = {}) =>
    supertest(app.url).post('/v1/messages').set(headers).send(body).expect(200);
  const billed = (entrypoint: string) => [
    { type: 'text', text: `x-anthropic-billing-header: cc_version=2.1.330.839; cc_entrypoint=${entrypoint};` },
  ];

  it.each<[string, Headers, object]>([
    ['a terminal', TERMINAL, {}],
    ['a terminal of 2.1.197', { 'user-agent': 'claude-cli/2.1.197 (external, cli)' }, {}],
    ['a terminal with a workload', { 'user-agent': 'claude-cli/2.1.330 (external, cli, workload/cron)' }, {}],
    ['a background session', { ...TERMINAL, 'x-app': 'cli-bg' }, {}],
    [
      'a terminal behind a proxy that is named in its place',
      { 'user-agent': 'proxy/1', 'x-app': 'cli' },
      { system: billed('cli') },
    ],
  ])('are text for Claude Code in %s', async (name, headers, more) => {
    expect(textsOf(await post(ask(`text ${name}`, { ...TOOLS, ...more }), headers))).toEqual(AS_TEXT);
  });

  it.each<[string, Headers, object]>([
    ['claude -p', { ...TERMINAL, 'user-agent': 'claude-cli/2.1.330 (external, sdk-cli)' }, {}],
    ['claude -p behind a proxy', { 'user-agent': 'proxy/1', 'x-app': 'cli' }, { system: billed('sdk-cli') }],
    ['the Agent SDK', { 'user-agent': 'claude-cli/2.1.330 (external, sdk-ts, agent-sdk/0.3.330)' }, {}],
    ['the Agent SDK of Python', { 'user-agent': 'claude-cli/2.1.330 (external, sdk-py)' }, {}],
    ['an editor', { 'user-agent': 'claude-cli/2.1.330 (external, claude-vscode)' }, {}],
    ['an action', { 'user-agent': 'claude-cli/2.1.330 (external, claude-code-github-action)' }, {}],
    ['an entrypoint that nobody knows', { 'user-agent': 'claude-cli/9.9.9 (external, cli-next)' }, {}],
    ['a Claude Code that says nothing of it', { 'x-app': 'cli' }, {}],
    ['an SDK', { 'user-agent': 'Anthropic/JS 1.12.0' }, {}],
    ['an SDK that quotes Claude Code', { 'user-agent': 'x claude-cli/2.1.330 (external, cli)' }, {}],
  ])('are blocks that its result leaves out for %s', async (name, headers, more) => {
    const response = await post(ask(`blocks ${name}`, { ...TOOLS, ...more }), headers);
    expect(typesOf(response)).toEqual(['text', 'mcp_tool_use', 'mcp_tool_result', 'text']);
  });

  it('have the form that the request asks for, whoever calls', async () => {
    const asked = (form: string, headers: Headers) =>
      post(ask(`${form} by name`, TOOLS), { ...headers, 'x-chiron-tool-blocks': form });
    expect(typesOf(await asked('mcp', TERMINAL))).toContain('mcp_tool_use');
    expect(typesOf(await asked('none', TERMINAL))).toEqual(['text', 'text']);
    expect(textsOf(await asked('text', {}))).toEqual(AS_TEXT);
    expect(textsOf(await asked('auto', TERMINAL))).toEqual(AS_TEXT);
  });

  it('are not shown to Claude Code as text where it asks beside the conversation', async () => {
    const subagent = { ...TERMINAL, 'x-claude-code-session-id': 'S', 'x-claude-code-agent-id': 'a1' };
    expect(typesOf(await post(ask('a sub-agent', TOOLS), subagent))).toContain('mcp_tool_use');
  });

  it.each(['text', 'auto'])('are no text in an answer of a schema (%s)', async (form) => {
    app.harness.onRun = (run) => run.end(...modelCall([LS, FILES, ...textBlock('{"count":1}')]));
    const response = await post(ask(`as JSON ${form}`, { ...TOOLS, output_config: { format: FORMAT } }), {
      ...TERMINAL,
      'x-chiron-tool-blocks': form,
    });
    expect(contentOf(response).filter(({ type }) => type === 'text')).toMatchObject([{ text: '{"count":1}' }]);
    const forced = { tools: [{ name: 'count', input_schema: FORMAT.schema }], tool_choice: { type: 'any' } };
    const called = await post(ask(`as a call ${form}`, forced), { ...IN_TEXT, 'x-chiron-tool-blocks': form });
    expect(contentOf(called).filter(({ type }) => type === 'text')).toEqual([]);
  });

  it('are shown as soon as they are called, and stay in their block however long they take', async () => {
    const stream = SseClient.post(app.url, ask('slow', { stream: true }), { ...IN_TEXT, ...thread('slow') });
    app.harness.onRun = () => undefined;
    const run = await app.harness.run('slow');
    run.say(LS);
    await stream.sees(String.raw`Bash(ls)\n`);
    skipAhead(31_000);
    await stream.sees('"text_delta","text":""');
    run.say({ type: 'notice', kind: 'progress', message: 'Bash has been running for 31 s' });
    skipAhead(62_000);
    await expect.poll(() => stream.text.split('"text_delta","text":""').length).toBe(3);
    run.end(FILES, ...textBlock('One file.'));
    await stream.done();
    expect(checkGrammar(stream.events)).toEqual([]);
    expect(stream.said).toBe(AS_TEXT.slice(1).join(''));
    expect(stream.types.filter((type) => type === 'content_block_start')).toHaveLength(2);
  });

  it('are the same bytes for every reader: streamed, as JSON, and when the events are pruned', async () => {
    const body = converse(['before', 'I see.', 'for all'], TOOLS);
    const headers = { ...TERMINAL, ...thread('for-all') };
    const streamed = async () => {
      const client = await SseClient.post(app.url, { ...body, stream: true }, headers).done();
      expect(checkGrammar(client.events)).toEqual([]);
      return client;
    };
    const first = await streamed();
    expect(first.said).toBe(AS_TEXT.join(''));
    expect((await streamed()).text).toBe(first.text);
    const whole = textsOf(await post(body, headers));
    await app.app.get(EventLog).prune(Date.now() + 1);
    expect(textsOf(await post(body, headers))).toEqual(whole);
    expect((await streamed()).said).toBe(first.said);
    expect(app.harness.runsOf('for all')).toHaveLength(1);
  });

  it('do not keep a conversation from being known by its words, one block or several, nor the same request from attaching', async () => {
    const first = await post(ask('known', TOOLS), IN_TEXT);
    const history = (answer: unknown) => ({
      ...ask('', TOOLS),
      messages: [
        { role: 'user', content: 'known' },
        { role: 'assistant', content: answer },
        { role: 'user', content: 'and now?' },
      ],
    });
    const blocks = await post(history(contentOf(first)), IN_TEXT);
    const joined = await post(history(textsOf(first).join('\n\n')), IN_TEXT);
    expect([keyOf(blocks), keyOf(joined)]).toEqual([keyOf(first), keyOf(first)]);
    expect((joined.body as { readonly id: string }).id).toBe((blocks.body as { readonly id: string }).id);
    expect(app.harness.runsOf('and now?')).toHaveLength(1);
  });

  it('continue where a caller’s answer was cut off, in the middle of a tool', async () => {
    const session = { ...TERMINAL, 'x-claude-code-session-id': 'cut' };
    await post(ask('cut off', TOOLS), session);
    const received = ['Looking.', 'Bash(ls)\n'].map((text) => ({ type: 'text', text }));
    const messages = [
      { role: 'user', content: 'cut off' },
      { role: 'assistant', content: received },
      { role: 'user', content: 'Your response above was cut off. Continue where it ended.' },
    ];
    const rest = await post({ ...ask('', TOOLS), messages }, session);
    expect(textsOf(rest).join('')).toBe(AS_TEXT.join('').slice('Looking.Bash(ls)\n'.length));
    expect(app.harness.runsOf('cut off')).toHaveLength(1);
  });

  it('are not looked through for stop sequences, which are about the agent’s words', async () => {
    const body = ask('stops', { stop_sequences: ['a.txt', 'file'] });
    const response = await post(body, IN_TEXT);
    expect(textsOf(response)).toEqual([...AS_TEXT.slice(0, 2), 'One ']);
    expect(response.body).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'file' });
  });

  it('are shown beside thinking as its request wants it', async () => {
    const thought: readonly HarnessEvent[] = [
      { type: 'thinking-delta', id: 't', text: 'Which?' },
      { type: 'block-end', id: 't', signature: 'SIGNED' },
    ];
    app.harness.onRun = (run) => run.end(...modelCall([...thought, LS, FILES, ...textBlock('One.')]));
    const shownAs = async (thinking: object) =>
      contentOf(await post(ask(JSON.stringify(thinking), { thinking }), IN_TEXT));
    expect(await shownAs({ type: 'adaptive' })).toMatchObject([{ thinking: 'Which?' }, { text: AS_TEXT[1] }, {}]);
    expect(await shownAs({ type: 'adaptive', display: 'omitted' })).toMatchObject([{ thinking: '' }, {}, {}]);
    expect(await shownAs({ type: 'disabled' })).toMatchObject([{ text: AS_TEXT[1] }, { text: 'One.' }]);
  });

  it('refuses a form that does not exist, and names those that do', async () => {
    const response = await supertest(app.url)
      .post('/v1/messages')
      .set('x-chiron-tool-blocks', 'AUTO')
      .send(ask('x'))
      .expect(400);
    expect(response.text).toContain('must be one of mcp, server, text, none, auto');
  });
});
