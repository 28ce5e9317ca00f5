import { from, lastValueFrom, toArray } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../../../test/support/stream-grammar.js';
import { collect } from '../collect.js';
import { applyPresentation, type Presentation } from './apply-presentation.js';
import type { ContentBlock, StreamEvent } from '../../anthropic/stream-event.js';
import { NO_TOKENS, toTurnUsage } from '../../anthropic/usage.js';
import {
  blockDelta,
  blockEnd,
  blockStart,
  messageEnd,
  messageStart,
  completeBlockEvents,
} from '../../anthropic/stream-parts.js';

const usage = toTurnUsage(NO_TOKENS, []);
const ALL: Presentation = { toolBlocks: 'mcp', toolOutputLimit: 100, thinking: 'shown' };

const text = (words: string): ContentBlock => ({ type: 'text', text: words, citations: null });
const thinking: ContentBlock = { type: 'thinking', thinking: 'Hm.', signature: 'SIGNED' };
const call = (input: Readonly<Record<string, string>> = { command: 'ls -la' }, name = 'Bash'): ContentBlock => ({
  type: 'mcp_tool_use',
  id: 'mcptoolu_1',
  name,
  server_name: 'agent',
  input,
});
const result = (output: string, isError = false): ContentBlock => ({
  type: 'mcp_tool_result',
  tool_use_id: 'mcptoolu_1',
  is_error: isError,
  content: output === '' ? [] : [{ type: 'text', text: output, citations: null }],
});

function stream(events: readonly StreamEvent[]): readonly StreamEvent[] {
  const end = messageEnd({ reason: 'end_turn', sequence: null, details: null }, usage);
  return [messageStart('msg_1', 'm', usage), ...events, ...end];
}

async function shown(presentation: Partial<Presentation>, events: readonly StreamEvent[]) {
  const batches = stream(events).map((event) => [event]);
  const out = await lastValueFrom(from(batches).pipe(applyPresentation({ ...ALL, ...presentation }), toArray()));
  expect(checkGrammar(out.flat())).toEqual([]);
  return out.flat();
}

async function content(presentation: Partial<Presentation>, ...blocks: readonly ContentBlock[]) {
  const events = blocks.flatMap((block, index) => completeBlockEvents(index, block));
  const collected = collect(await shown(presentation, events));
  return 'message' in collected ? collected.message.content : collected;
}

describe('a message as its caller wants it', () => {
  const blocks = [text('Looking.'), thinking, call(), result('a.txt'), text('One file.')];

  it('is the message itself by default', async () => {
    expect(await content({}, ...blocks)).toEqual(blocks);
  });

  it('has inner tools as Anthropic’s server tools, with the name that typed clients know', async () => {
    expect(await content({ toolBlocks: 'server' }, ...blocks)).toEqual([
      text('Looking.'),
      thinking,
      {
        type: 'server_tool_use',
        id: 'srvtoolu_1',
        name: 'bash_code_execution',
        input: { command: 'ls -la' },
        caller: { type: 'direct' },
      },
      {
        type: 'bash_code_execution_tool_result',
        tool_use_id: 'srvtoolu_1',
        content: { type: 'bash_code_execution_result', stdout: 'a.txt', stderr: '', return_code: 0, content: [] },
      },
      text('One file.'),
    ]);
  });

  it('shows a tool that is not a shell, and a failed one, in the same form', async () => {
    const [use, back] = (await content({ toolBlocks: 'server' }, call({ a: 'b' }, 'Edit'), result('no', true))) as [
      Extract<ContentBlock, { type: 'server_tool_use' }>,
      Extract<ContentBlock, { type: 'bash_code_execution_tool_result' }>,
    ];
    expect(use.input).toEqual({ command: 'Edit {"a":"b"}' });
    expect(back.content).toMatchObject({ stdout: '', stderr: 'no', return_code: 1 });
  });

  it('sends the input of such a tool as deltas: Claude Code 2.1.330 loses it otherwise', async () => {
    const events = await shown({ toolBlocks: 'server' }, completeBlockEvents(0, call()));
    expect(events[1]).toMatchObject({ content_block: { input: {} } });
    expect(events[2]).toMatchObject({ delta: { type: 'input_json_delta', partial_json: '{"command":"ls -la"}' } });
  });

  it('has no inner tools at all', async () => {
    expect(await content({ toolBlocks: 'none' }, ...blocks)).toEqual([text('Looking.'), thinking, text('One file.')]);
  });

  it.each(['mcp', 'server'] as const)('cuts long outputs at the limit, with a note (%s)', async (toolBlocks) => {
    const shownResult = JSON.stringify(await content({ toolBlocks, toolOutputLimit: 5 }, result('123456789')));
    expect(shownResult).toContain('"12345… [4 more characters]"');
    const split = JSON.stringify(await content({ toolBlocks, toolOutputLimit: 5 }, result('1234😀789')));
    expect(split).toContain('"1234… [');
  });

  it('truncates an output of several parts at the limit for all of them', async () => {
    const parts = ['123', '456', '789'].map((part) => ({ type: 'text', text: part, citations: null }) as const);
    const long: ContentBlock = { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: parts };
    expect(await content({ toolOutputLimit: 4 }, long)).toMatchObject([
      { content: [{ text: '123' }, { text: '4… [5 more characters]' }] },
    ]);
  });

  it('has only the signature of thinking if thinking is omitted', async () => {
    const omitted = await content({ thinking: 'omitted' }, ...blocks);
    expect(omitted[1 as keyof typeof omitted]).toEqual({ type: 'thinking', thinking: '', signature: 'SIGNED' });
    const unsigned = await content({ thinking: 'omitted' }, { type: 'thinking', thinking: 'Hm.', signature: '' });
    expect(unsigned).toEqual([]);
  });

  it('has no thinking if thinking is disabled', async () => {
    expect(await content({ thinking: 'none' }, thinking, text('Done.'))).toEqual([text('Done.')]);
  });

  it.each(['omitted', 'none'] as const)('lets the empty deltas of a keep-alive through (%s)', async (wanted) => {
    const events = await shown({ thinking: wanted }, [
      blockStart('thinking', 0),
      blockDelta('thinking', 0, 'secret thought'),
      blockDelta('thinking', 0, ''),
      blockDelta('thinking', 0, 'another'),
      blockDelta('thinking', 0, ''),
      ...blockEnd('thinking', 0, 'SIGNED'),
      ...completeBlockEvents(1, text('Done.')),
    ]);
    const told = JSON.stringify(events);
    expect(told).not.toMatch(/secret|another/);
    expect(events.filter((event) => event.type === 'content_block_delta')).toHaveLength(4);
    expect(told.includes('SIGNED')).toBe(wanted === 'omitted');
  });

  it.each(['mcp', 'server'] as const)('ends in a text block if its caller requires one (%s)', async (toolBlocks) => {
    const ending = async (endsInText: boolean, ...all: readonly ContentBlock[]) =>
      ((await content({ toolBlocks, endsInText }, ...all)) as readonly ContentBlock[]).at(-1);
    expect(await ending(true, text('Before.'), call(), result('a.txt'))).toEqual(text(''));
    expect(await ending(true, call())).toEqual(text(''));
    expect(await ending(true, call(), result('a.txt'), text('Done.'))).toEqual(text('Done.'));
    expect(await ending(false, call(), result('a.txt'))).not.toEqual(text(''));
  });

  it('gets no empty text if no tools are shown', async () => {
    expect(await content({ toolBlocks: 'none', endsInText: true }, call(), result('a'))).toEqual([]);
    expect(await content({ toolBlocks: 'text', endsInText: true }, call(), result('a'))).toHaveLength(1);
  });

  it('passes errors', async () => {
    const error: StreamEvent = { type: 'error', error: { type: 'api_error', message: 'broken' } };
    const out = await lastValueFrom(from([[error]]).pipe(applyPresentation({ ...ALL, toolBlocks: 'none' })));
    expect(out).toEqual([error]);
  });
});
