// Over 250 lines: keeps all cases in which two requests count as the same in one place.
import { rmSync } from 'node:fs';
import supertest from 'supertest';
import { afterAll, describe, expect, it } from 'vitest';
import { EventLog } from '../../src/storage/event-log/event-log.js';
import { eventually } from '../support/eventually.js';
import { ask, thread } from '../support/requests.js';
import { textBlock } from '../support/scripted-harness.js';
import { SseClient } from '../support/sse-client.js';
import { checkGrammar } from '../support/stream-grammar.js';
import { startTestApp, type TestApp } from '../support/test-app.js';
import { CLAUDE_CODE, ConformanceServer, idOf } from './support/server.js';

const server = new ConformanceServer();

const TOOLS = {
  tools: [
    { name: 'Bash', input_schema: { type: 'object' } },
    { name: 'Edit', input_schema: { type: 'object' } },
  ],
};
/** The requests of one Claude Code session. */
const session = (name: string) => ({ ...CLAUDE_CODE, 'x-claude-code-session-id': name });
const readers = () => server.app.app.get(EventLog).stats.readers;

/** Starts a turn of Claude Code that has emitted some text, with the stream that reads it. */
async function begun(prompt: string, text = 'half ') {
  const body = server.conversation(prompt, { ...TOOLS, max_tokens: 128_000 });
  const { stream, run } = await server.held(prompt, body, session(prompt));
  run.say({ type: 'text-delta', id: 'a', text });
  await stream.sees(text);
  return { body, stream, run };
}

describe('Claude Code after a fault', () => {
  it('A.9 after an error before any content, the identical request starts a new turn on its thread', async () => {
    const body = server.conversation('unlucky', TOOLS);
    server.plays('unlucky', (run) =>
      server.harness.runsOf('unlucky').length === 1 ? run.fail('overloaded') : run.answer('better'),
    );
    const failed = await server.open({ ...body, stream: true }, session('unlucky')).done();
    expect(failed.status).toBe(529);
    const again = await server.open({ ...body, stream: true }, session('unlucky')).done();
    expect(again.said).toBe('better');
    const runs = server.harness.runsOf('unlucky');
    expect(new Set(runs.map((run) => run.thread.id)).size).toBe(1);
    expect(runs).toHaveLength(2);
  });

  it('A.9 after a cut in a text, the identical request replays the same turn from its start', async () => {
    const { body, stream, run } = await begun('cut in a text');
    stream.leave();
    await eventually(readers).toBe(0);
    const again = server.open({ ...body, stream: true }, session('cut in a text'));
    await again.sees('half ');
    run.end(...textBlock('whole', 'a'));
    await again.done();
    expect(again.messageId).toBe(stream.messageId);
    expect(again.said).toBe('half whole');
    expect(checkGrammar(again.events)).toEqual([]);
    expect(server.harness.runsOf('cut in a text')).toHaveLength(1);
  });

  it('A.9 after an error in a text, the unstreamed request with other max_tokens gets the completed turn', async () => {
    const { body, stream, run } = await begun('falls back');
    stream.leave();
    const whole = server.post({ ...body, max_tokens: 64_000 }, session('falls back')).then((response) => response);
    await eventually(readers).toBe(1);
    run.end(...textBlock('whole', 'a'));
    const response = await whole;
    expect(response.body).toMatchObject({ id: stream.messageId, content: [{ type: 'text', text: 'half whole' }] });
    expect(server.harness.runsOf('falls back')).toHaveLength(1);
  });

  const CUT_OFF =
    'Your response above was cut off mid-stream. Resume directly from where it stops — no apology, no recap. ' +
    'If none of it survived, answer the request from the start.';
  const AGAIN =
    'Your response above was cut off mid-stream, and only your next message is delivered. ' +
    'Write the complete response again from the start — no apology, no recap.';

  it.each([
    ['the rest of it, where it asks to resume', CUT_OFF, 'The second.'],
    ['all of it, where it asks for the complete response', AGAIN, 'The first. The second.'],
  ])('A.9 after a stream without its end: gets %s, of the same turn', async (name, words, expected) => {
    const { body, stream, run } = await begun(name, 'The first. ');
    stream.leave();
    const repaired = {
      ...body,
      stream: true,
      messages: [
        ...(body['messages'] as object[]),
        { role: 'assistant', content: [{ type: 'text', text: 'The first. ' }] },
        { role: 'user', content: words },
      ],
    };
    const again = server.open(repaired, session(name));
    await eventually(readers).toBe(1);
    run.end({ type: 'text-delta', id: 'a', text: 'The second.' });
    await again.done();
    expect(again.said).toBe(expected);
    expect(again.messageId).toBe(stream.messageId);
    expect(checkGrammar(again.events)).toEqual([]);
    expect(server.harness.runs.filter((one) => one.thread.id === run.thread.id)).toHaveLength(1);
  });

  it('A.9 after three cut-off messages in a row, it is still the same turn', async () => {
    const { body, stream, run } = await begun('thrice', 'One. Two. Three. ');
    stream.leave();
    const parts = ['One. ', 'Two. ', 'Three. '].flatMap((text) => [
      { role: 'assistant', content: [{ type: 'text', text }] },
      { role: 'user', content: CUT_OFF },
    ]);
    const messages = [...(body['messages'] as object[]), ...parts];
    const again = server.open({ ...body, stream: true, messages }, session('thrice'));
    await eventually(readers).toBe(1);
    run.end({ type: 'text-delta', id: 'a', text: 'Four.' });
    expect((await again.done()).said).toBe('Four.');
    expect(server.harness.runs.filter((one) => one.thread.id === run.thread.id)).toHaveLength(1);
  });

  it('A.9 after a 400, the modified retries do not start a turn each', async () => {
    server.plays('bad for good', (run) => run.fail('bad_request', 'no'));
    const body = server.conversation('bad for good', { ...TOOLS, thinking: { type: 'adaptive', display: 'updates' } });
    const mutations = [
      body,
      { ...body, thinking: { type: 'adaptive' } },
      { ...body, thinking: undefined },
      { ...body, tools: TOOLS.tools.slice(1) },
      { ...body, stream: true },
    ];
    for (const [index, mutation] of mutations.entries()) {
      const headers = {
        ...session('bad for good'),
        'anthropic-beta': ['a', 'b', 'c', 'd', 'e'].slice(index).join(','),
      };
      await server.post(mutation, headers).expect(400);
    }
    expect(server.harness.runsOf('bad for good')).toHaveLength(1);
    await server.post({ ...body, messages: [] }, session('bad for good')).expect(400);
    expect(server.harness.runsOf('bad for good')).toHaveLength(1);
  });

  it('A.9 after Escape, the closed socket leaves the turn running, and the cancel endpoint ends it', async () => {
    const { stream, run } = await begun('escaped');
    stream.leave();
    await eventually(readers).toBe(0);
    expect([run.interrupted, run.abandoned]).toEqual([false, false]);
    const cancel = () => supertest(server.url).post(`/v1/messages/${stream.messageId}/cancel`);
    await cancel().expect(200, { cancelled: true });
    expect(run.interrupted).toBe(true);
    await eventually(async () => ((await cancel().expect(200)).body as { cancelled: boolean }).cancelled).toBe(false);
  });

  it('A.9 after Escape, the next message, whose history has the interrupt marker, interrupts the turn', async () => {
    const { body, stream, run } = await begun('interrupted');
    const messages = [
      ...(body['messages'] as object[]),
      { role: 'assistant', content: 'half ' },
      { role: 'user', content: '[Request interrupted by user]' },
      { role: 'user', content: 'something else' },
    ];
    const next = await server.post({ ...body, messages }, session('interrupted')).expect(200);
    expect(run.interrupted).toBe(true);
    expect((await stream.done()).types.at(-1)).toBe('message_stop');
    expect(idOf(next)).not.toBe(stream.messageId);
  });
});

describe('the same conversation', () => {
  const said = (prompt: string, more: Readonly<Record<string, unknown>> = {}) =>
    server.conversation(prompt, { ...TOOLS, ...more });

  const changes: readonly (readonly [string, (prompt: string) => object, Readonly<Record<string, string>>])[] = [
    ['stream', (prompt) => said(prompt, { stream: true }), {}],
    ['max_tokens', (prompt) => said(prompt, { max_tokens: 64_000 }), {}],
    ['thinking', (prompt) => said(prompt, { thinking: { type: 'enabled', budget_tokens: 2000 } }), {}],
    ['betas', (prompt) => said(prompt), { 'anthropic-beta': 'another-2026-01-01' }],
    ['the order of tools', (prompt) => said(prompt, { tools: TOOLS.tools.toReversed() }), {}],
    ['the effort', (prompt) => said(prompt, { output_config: { effort: 'max' } }), {}],
    ['the system prompt', (prompt) => said(prompt, { system: 'Another.' }), {}],
    ['the model', (prompt) => said(prompt, { model: 'claude-haiku-5-5' }), {}],
    [
      'cache markers, thinking and inner tools in the history',
      (prompt) => ({
        ...said(prompt),
        messages: [
          { role: 'user', content: [{ type: 'text', text: 'before', cache_control: { type: 'ephemeral' } }] },
          {
            role: 'assistant',
            content: [
              { type: 'thinking', thinking: 'x', signature: 'y' },
              { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'Bash', server_name: 'agent', input: {} },
              { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: [] },
              { type: 'text', text: 'I see.' },
            ],
          },
          { role: 'system', content: 'Environment' },
          { role: 'user', content: prompt },
        ],
      }),
      {},
    ],
    [
      'the reminders of Claude Code',
      (prompt) => ({
        ...said(prompt),
        messages: [
          { role: 'user', content: 'before' },
          { role: 'assistant', content: 'I see.' },
          {
            role: 'user',
            content: [
              { type: 'text', text: '<system-reminder>new</system-reminder>' },
              { type: 'text', text: prompt },
            ],
          },
        ],
      }),
      CLAUDE_CODE,
    ],
  ];

  it.each(changes)('A.9 with a change of %s is a retry', async (name, changed, headers) => {
    const prompt = `changed ${name}`;
    const one = await server.post(said(prompt), thread(prompt)).expect(200);
    const other = await server.post(changed(prompt), { ...thread(prompt), ...headers }).expect(200);
    expect(other.text).toContain(idOf(one));
    expect(server.harness.runsOf(prompt)).toHaveLength(1);
  });

  it('A.9 with one word changed, or on another thread, starts another turn', async () => {
    const one = await server.post(said('a word'), thread('words')).expect(200);
    const other = await server.post(said('another word'), thread('words')).expect(200);
    const elsewhere = await server.post(said('a word'), thread('elsewhere')).expect(200);
    expect(new Set([one, other, elsewhere].map(idOf)).size).toBe(3);
  });

  it('A.9 sent concurrently by many callers starts one turn', async () => {
    const callers = Array.from({ length: 20 }, () => server.open(said('at once', { stream: true }), thread('at once')));
    await Promise.all(callers.map((caller) => caller.done()));
    expect(new Set(callers.map(({ messageId }) => messageId)).size).toBe(1);
    expect(server.harness.runsOf('at once')).toHaveLength(1);
  });
});

describe('a retry after a restart of the server', () => {
  const apps: TestApp[] = [];

  afterAll(() => {
    for (const { dataDirectory } of apps) rmSync(dataDirectory, { recursive: true, force: true });
  });

  it('A.9 gets the same message, of a turn that was running and of one that had ended', async () => {
    const before = await startTestApp();
    apps.push(before);
    const body = (prompt: string) => ({ ...ask(prompt), ...server.conversation(prompt), stream: true });
    const ended = SseClient.post(before.url, body('had ended'), thread('had ended'));
    (await before.harness.run('had ended')).answer('done');
    await ended.done();
    const running = SseClient.post(before.url, body('was running'), thread('was running'));
    (await before.harness.run('was running')).text('Before. ', 'a');
    await running.sees('Before. ');
    await before.close({ keepData: true });
    await running.done();
    expect(running.types.at(-1)).toBe('error');

    const after = await startTestApp({ dataDirectory: before.dataDirectory });
    const again = await SseClient.post(after.url, body('had ended'), thread('had ended')).done();
    expect(again.text).toBe(ended.text);
    const retry = SseClient.post(after.url, body('was running'), thread('was running'));
    (await after.harness.run('was running')).end(...textBlock('After.', 'b'));
    await retry.done();
    expect([retry.messageId, retry.said]).toEqual([running.messageId, 'Before. After.']);
    await after.close({ keepData: true });
  });
});
