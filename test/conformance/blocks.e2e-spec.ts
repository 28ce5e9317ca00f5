import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../src/domain/harness-event.js';
import { ask, thread } from '../support/requests.js';
import { textBlock } from '../support/scripted-harness.js';
import { ConformanceServer, CLAUDE_CODE, idOf } from './support/server.js';

const server = new ConformanceServer();

/** Inner tools with names that the caller uses too, one of them with the id prefix of a caller's call. */
const WORK: readonly HarnessEvent[] = [
  { type: 'thinking-delta', id: 'thought', text: 'Which files?' },
  { type: 'block-end', id: 'thought', signature: 'SIGNED' },
  { type: 'tool-call', id: 'toolu_01', name: 'Bash', server: 'agent', input: { command: 'ls', deep: { a: [1] } } },
  { type: 'tool-call', id: 'call_02', name: 'query', server: 'warehouse', input: {} },
  { type: 'tool-result', id: 'toolu_01', content: [{ type: 'text', text: 'a.txt' }], isError: false },
  { type: 'tool-result', id: 'call_02', content: [{ type: 'text', text: 'no table' }], isError: true },
  ...textBlock('There is one file.', 'end'),
];
const CALLERS = { tools: ['Bash', 'query'].map((name) => ({ name, input_schema: { type: 'object' } })) };
const FORMS = ['mcp', 'server', 'text', 'none'] as const;

describe('tools that ran in the sandbox', () => {
  it.each(FORMS)('A.5 are never tool_use, which Claude Code would run (%s)', async (form) => {
    const headers = { ...CLAUDE_CODE, 'x-chiron-tool-blocks': form };
    const { stream, whole, message } = await server.answer(
      `never ${form}`,
      (run) => run.end(...WORK),
      CALLERS,
      headers,
    );
    expect(stream.text).not.toContain('"type":"tool_use"');
    expect(whole.text).not.toContain('"type":"tool_use"');
    expect(message.stop_reason).toBe('end_turn');
    expect(message.content.at(-1)).toMatchObject({ type: 'text', text: 'There is one file.' });
  });

  it.each(FORMS)('A.5 are never a tool_result of the assistant either (%s)', async (form) => {
    const { stream, whole } = await server.answer(`no result ${form}`, (run) => run.end(...WORK), CALLERS, {
      'x-chiron-tool-blocks': form,
    });
    expect(stream.text + whole.text).not.toContain('"type":"tool_result"');
  });

  it('A.5 have their complete input in the start of an mcp_tool_use, because Claude Code rejects deltas there', async () => {
    const { events, message } = await server.answer('as mcp', (run) => run.end(...WORK));
    expect(JSON.stringify(events)).not.toContain('input_json_delta');
    expect(message.content.slice(1, -1)).toEqual([
      {
        type: 'mcp_tool_use',
        id: 'mcptoolu_01',
        name: 'Bash',
        server_name: 'agent',
        input: { command: 'ls', deep: { a: [1] } },
      },
      { type: 'mcp_tool_use', id: 'mcptoolu_02', name: 'query', server_name: 'warehouse', input: {} },
      {
        type: 'mcp_tool_result',
        tool_use_id: 'mcptoolu_01',
        is_error: false,
        content: [{ type: 'text', text: 'a.txt', citations: null }],
      },
      {
        type: 'mcp_tool_result',
        tool_use_id: 'mcptoolu_02',
        is_error: true,
        content: [{ type: 'text', text: 'no table', citations: null }],
      },
    ]);
  });

  it('A.5 have their input in deltas of a server_tool_use, because clients build it from those', async () => {
    const { events, message } = await server.answer(
      'as server',
      (run) => run.end(...WORK),
      {},
      { 'x-chiron-tool-blocks': 'server' },
    );
    const starts = events.flatMap((event) => (event.type === 'content_block_start' ? [event.content_block] : []));
    expect(starts[1]).toEqual({
      type: 'server_tool_use',
      id: 'srvtoolu_01',
      name: 'bash_code_execution',
      input: {},
      caller: { type: 'direct' },
    });
    expect(message.content.slice(1, -1)).toMatchObject([
      { type: 'server_tool_use', id: 'srvtoolu_01', input: { command: 'ls' } },
      { type: 'server_tool_use', id: 'srvtoolu_02', input: { command: 'query {}' } },
      {
        type: 'bash_code_execution_tool_result',
        tool_use_id: 'srvtoolu_01',
        content: { type: 'bash_code_execution_result', stdout: 'a.txt', stderr: '', return_code: 0, content: [] },
      },
      { tool_use_id: 'srvtoolu_02', content: { stdout: '', stderr: 'no table', return_code: 1 } },
    ]);
  });

  it('A.5 are text or hidden if the deployment or the request selects it', async () => {
    const asText = await server.answer('as text', (run) => run.end(...WORK), {}, { 'x-chiron-tool-blocks': 'text' });
    expect(asText.message.content.map(({ type }) => type)).toEqual([
      'thinking',
      'text',
      'text',
      'text',
      'text',
      'text',
    ]);
    expect(asText.stream.said).toMatch(/Bash\(ls\)[\s\S]*a\.txt[\s\S]*no table/);
    const none = await server.answer('as none', (run) => run.end(...WORK), {}, { 'x-chiron-tool-blocks': 'none' });
    expect(none.message.content.map(({ type }) => type)).toEqual(['thinking', 'text']);
  });

  it('A.5 may be returned in the history, or left out, and are not part of its text', async () => {
    const { message } = await server.answer('worked', (run) => run.end(...WORK));
    const next = (content: readonly object[]) => ({
      ...server.conversation('worked'),
      messages: [
        ...(server.conversation('worked')['messages'] as object[]),
        { role: 'assistant', content },
        { role: 'user', content: 'and now?' },
      ],
    });
    const verbatim = await server.post(next(message.content), thread('worked')).expect(200);
    const words = await server.post(next(message.content.slice(-1)), thread('worked')).expect(200);
    expect(idOf(words)).toBe(idOf(verbatim));
    expect(server.harness.runsOf('and now?')).toHaveLength(1);
  });
});

it('A.5 thinking is a block with one signature, the provider’s or an empty one', async () => {
  const { message, events } = await server.answer('thoughts', (run) =>
    run.end(
      { type: 'thinking-delta', id: 'a', text: 'signed ' },
      { type: 'thinking-delta', id: 'a', text: 'thought' },
      { type: 'block-end', id: 'a', signature: 'SIGNED' },
      { type: 'thinking-delta', id: 'b', text: 'unsigned' },
      { type: 'block-end', id: 'b' },
      ...textBlock('So.'),
    ),
  );
  expect(message.content).toEqual([
    { type: 'thinking', thinking: 'signed thought', signature: 'SIGNED' },
    { type: 'thinking', thinking: 'unsigned', signature: '' },
    { type: 'text', text: 'So.', citations: null },
  ]);
  const signatures = events.flatMap((event) =>
    event.type === 'content_block_delta' && event.delta.type === 'signature_delta' ? [event.delta.signature] : [],
  );
  expect(signatures).toEqual(['SIGNED', '']);
});

it('A.5 only calls that the caller must run are tool_use, with their input in deltas', async () => {
  const input = { question: 'why?', options: ['a', 'b'] };
  const { events, message } = await server.answer('caller tool', (run) => {
    run.say(...textBlock('Tell me.'), { type: 'caller-tool-call', id: 'toolu_9', name: 'ask_user', input });
    run.endAs('tool_use');
  });
  expect(message.content.at(-1)).toEqual({ type: 'tool_use', id: 'toolu_9', name: 'ask_user', input });
  expect(events).toContainEqual({
    type: 'content_block_start',
    index: 1,
    content_block: { type: 'tool_use', id: 'toolu_9', name: 'ask_user', input: {} },
  });
});

it('A.5 an unknown form of tool blocks is rejected', async () => {
  await server.post(ask('as html'), { 'x-chiron-tool-blocks': 'html' }).expect(400);
  expect(server.harness.runsOf('as html')).toEqual([]);
});
