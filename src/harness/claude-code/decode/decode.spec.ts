// Over 250 lines: each recording, and each kind of line that none of them has, goes through the same few helpers.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HarnessEvent, TokenUsage } from '../../../domain/harness-event.js';
import { decodeLine } from './decode.js';
import { startTurn, initialDecoderState } from './turn-state.js';
import type { ClaudeState } from './turn-state.js';
import { addCallUsage, NO_USAGE } from './usage.js';

function recording(name: string): readonly string[] {
  return readFileSync(new URL(`../__fixtures__/${name}.jsonl`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
}

function decodeAll(lines: readonly string[], from: ClaudeState = startTurn(initialDecoderState())) {
  const events: HarnessEvent[] = [];
  const notes: number[] = [];
  let state = from;
  for (const line of lines) {
    const [next, said, odd] = decodeLine(state, line);
    state = next;
    events.push(...said);
    notes.push(...odd.map((note) => note.length));
  }
  return { state, events, notes };
}

const eventsOf = (name: string) => decodeAll(recording(name)).events;

/** Events as short lines: what was said, block by block. */
function told(events: readonly HarnessEvent[]): readonly string[] {
  const lines: string[] = [];
  let block = '';
  for (const event of events) {
    switch (event.type) {
      case 'text-delta':
      case 'thinking-delta':
        block += event.text;
        break;
      case 'block-end':
        lines.push(event.signature === undefined ? block : `${block} (signed ${event.signature})`);
        block = '';
        break;
      case 'tool-call':
        lines.push(`${event.server}/${event.name} ${JSON.stringify(event.input)}`);
        break;
      case 'tool-result':
        lines.push(`${event.isError ? 'error' : 'result'} ${JSON.stringify(event.content)}`);
        break;
      case 'turn-end':
        lines.push(`end ${event.reason}`);
        break;
      case 'turn-failed':
        lines.push(`failed ${event.kind}: ${event.message}`);
        break;
      default:
        break;
    }
  }
  return block === '' ? lines : [...lines, `${block} (open)`];
}

function sumOfCalls(events: readonly HarnessEvent[]): TokenUsage {
  return events.reduce(
    (sum, event) => (event.type === 'model-call-end' ? addCallUsage(sum, event.usage) : sum),
    NO_USAGE,
  );
}

const endOf = (events: readonly HarnessEvent[]) => events.at(-1);
const usage = (
  inputTokens: number,
  cacheCreationInputTokens: number,
  cacheReadInputTokens: number,
  outputTokens: number,
) => ({
  inputTokens,
  cacheCreationInputTokens,
  cacheReadInputTokens,
  outputTokens,
  thinkingTokens: 0,
});

describe('a recording of Claude Code', () => {
  it('emits a text once, though it is streamed and then repeated in full', () => {
    expect(eventsOf('claude-text')).toEqual([
      { type: 'session-started', sessionId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
      { type: 'model-call-start', model: 'claude-opus-5-5', usage: usage(100, 20, 0, 1) },
      { type: 'text-delta', id: 'msg_01scripted1:0', text: 'PO' },
      { type: 'text-delta', id: 'msg_01scripted1:0', text: 'NG' },
      { type: 'block-end', id: 'msg_01scripted1:0' },
      { type: 'model-call-end', model: 'claude-opus-5-5', usage: usage(100, 20, 0, 4) },
      { type: 'turn-end', reason: 'end_turn', usage: usage(100, 20, 0, 4) },
    ]);
  });

  const TOOL = [
    'The user wants a shell command. (signed c2NyaXB0ZWQtc2lnbmF0dXJl)',
    'Let me run it.',
    'agent/Bash {"command":"echo hello from the sandbox; ls","description":"Say hello"}',
    'result [{"type":"text","text":"hello from the sandbox"}]',
    'It printed "hello from the sandbox".',
    'end end_turn',
  ];

  it('emits thinking with its signature, a tool call with its complete input, and its result', () => {
    expect(told(eventsOf('claude-tool'))).toEqual(TOOL);
  });

  it('emits the same turn without partial messages, with the same usage', () => {
    const events = eventsOf('claude-tool-no-partials');
    expect(told(events)).toEqual(TOOL);
    expect(events.filter((event) => event.type === 'model-call-start')).toHaveLength(2);
    expect(sumOfCalls(events)).toEqual(usage(250, 40, 300, 22));
    expect(endOf(events)).toMatchObject({ usage: usage(250, 40, 300, 22) });
  });

  it('emits parallel calls and which of them failed', () => {
    expect(told(eventsOf('claude-parallel'))).toEqual([
      'Two things at once.',
      'agent/Bash {"command":"echo one","description":"one"}',
      'agent/Bash {"command":"echo two >&2; exit 3","description":"two"}',
      'agent/Read {"file_path":"/workspace/does-not-exist.txt"}',
      'result [{"type":"text","text":"one"}]',
      'error [{"type":"text","text":"Exit code 3\\ntwo"}]',
      'error [{"type":"text","text":"File does not exist. Note: your current working directory is /workspace."}]',
      'One worked, two failed.',
      'end end_turn',
    ]);
  });

  it('names the MCP server of a tool', () => {
    expect(told(eventsOf('claude-mcp-tools'))).toEqual([
      'caller/get_weather {"city":"Paris"}',
      'caller/get_weather {"city":"Rome"}',
      'result [{"type":"text","text":"sunny in Paris"}]',
      'result [{"type":"text","text":"sunny in Rome"}]',
      'Sunny in both.',
      'end end_turn',
    ]);
  });

  it('waits for a sub-agent, without emitting its texts and tokens', () => {
    const events = eventsOf('claude-subagent');
    const lines = told(events);
    expect(lines.map((line) => line.slice(0, 45))).toEqual([
      'Delegating.',
      'agent/Agent {"description":"count files","pro',
      'result [{"type":"text","text":"Async agent la',
      'The helper is done.',
      'PONG',
      'end end_turn',
    ]);
    expect(events.filter((event) => event.type === 'turn-end')).toHaveLength(1);
    expect(events.filter((event) => event.type === 'session-started')).toHaveLength(1);
    expect(endOf(events)).toMatchObject({ usage: usage(350, 60, 300, 22) });
    expect(sumOfCalls(events)).toEqual(usage(350, 60, 300, 22));
    expect(events).toContainEqual({ type: 'notice', kind: 'progress', message: 'A sub-agent is working: count files' });
  });

  it('does not emit Claude Code’s prompt to continue after max_tokens', () => {
    expect(told(eventsOf('claude-max-tokens'))).toEqual(['This answer is cut', 'PONG', 'end end_turn']);
  });

  it('emits two turns of one process, and the session only once', () => {
    const lines = recording('claude-two-turns');
    const split = lines.findIndex((line) => line.includes('"type":"result"')) + 1;
    const first = decodeAll(lines.slice(0, split));
    const second = decodeAll(lines.slice(split), startTurn(first.state));
    expect(told(first.events)).toEqual(['PONG', 'end end_turn']);
    expect(told(second.events)).toEqual(TOOL);
    expect(second.events.some((event) => event.type === 'session-started')).toBe(false);
    expect(endOf(second.events)).toMatchObject({ usage: usage(250, 40, 300, 22) });
  });

  it('ends an interrupted turn as interrupted, after its partial text', () => {
    const events = eventsOf('claude-interrupted');
    expect(told(events)).toEqual(['word0 word1 word2 word3 word4 word5 word6 ', 'end interrupted']);
    expect(endOf(events)).toEqual({ type: 'turn-end', reason: 'interrupted' });
  });

  it('fails a rejected request with the provider’s message, without agent text', () => {
    expect(told(eventsOf('claude-bad-request'))).toEqual(['failed bad_request: messages.0: scripted bad request']);
  });

  it('emits nothing after the end', () => {
    const { state } = decodeAll(recording('claude-text'));
    expect(decodeAll(recording('claude-tool'), state).events).toEqual([]);
  });
});

describe('duplicate, late or broken lines', () => {
  it('emits nothing twice if every line is duplicated', () => {
    for (const name of ['claude-parallel', 'claude-tool-no-partials']) {
      const twice = recording(name).flatMap((line) => (line.includes('"content_block_delta"') ? [line] : [line, line]));
      expect(decodeAll(twice).events).toEqual(eventsOf(name));
    }
  });

  it('emits a message once if its assistant lines precede its stream', () => {
    const lines = recording('claude-text');
    const whole = lines.filter((line) => line.includes('"type":"assistant"'));
    const events = decodeAll([...whole, ...lines]).events;
    expect(told(events)).toEqual(['PONG', 'end end_turn']);
    expect(sumOfCalls(events)).toEqual(usage(100, 20, 0, 4));
  });

  it('emits a tool call once if another line repeats it', () => {
    const message = { id: 'm', model: 'x', content: [{ type: 'tool_use', id: 't1', name: 'Bash', input: {} }] };
    const lines = ['u1', 'u2'].map((uuid) => JSON.stringify({ type: 'assistant', uuid, message }));
    expect(decodeAll(lines).events.filter((event) => event.type === 'tool-call')).toHaveLength(1);
  });

  it('reports the length of a line that is not JSON, and continues', () => {
    const lines = recording('claude-text');
    const { events, notes } = decodeAll(['warning: x', '', '[1]', '{"type":"news"}', 'null', ...lines]);
    expect(notes).toEqual([10, 3, 4]);
    expect(events).toEqual(eventsOf('claude-text'));
  });

  it('ignores deltas without a message, and after the end of their block', () => {
    const delta = (text: string) =>
      JSON.stringify({
        type: 'stream_event',
        event: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } },
      });
    const lines = recording('claude-text');
    const stop = lines.findIndex((line) => line.includes('content_block_stop')) + 1;
    const events = decodeAll([delta('early'), ...lines.slice(0, stop), delta('late'), ...lines.slice(stop)]).events;
    expect(told(events)).toEqual(['PONG', 'end end_turn']);
  });
});

describe('lines other than messages', () => {
  const line = (fields: object) => JSON.stringify(fields);

  it('ends the blocks of an abandoned attempt, and emits a retry notice', () => {
    const lines = recording('claude-text');
    const half = lines.slice(0, lines.findIndex((text) => text.includes('"PO"')) + 1);
    const retry = line({ type: 'system', subtype: 'api_retry', attempt: 2, max_retries: 10, error_status: 529 });
    expect(decodeAll([...half, retry]).events.slice(-2)).toEqual([
      { type: 'block-end', id: 'msg_01scripted1:0' },
      { type: 'notice', kind: 'retrying', message: 'The model call failed with status 529; retrying (retry 2).' },
    ]);
  });

  it('emits a notice for a compaction', () => {
    const status = line({ type: 'system', subtype: 'status', status: 'compacting' });
    expect(decodeAll([status]).events).toMatchObject([{ type: 'notice', kind: 'compacting' }]);
  });

  it('emits the output of a command of Claude Code itself, without a model call', () => {
    const message = { id: 'u1', model: '<synthetic>', content: [{ type: 'text', text: 'Estimated cost: $0' }] };
    expect(decodeAll([line({ type: 'assistant', uuid: 'x', message })]).events).toEqual([
      { type: 'text-delta', id: 'u1:0', text: 'Estimated cost: $0' },
      { type: 'block-end', id: 'u1:0' },
    ]);
  });

  it('counts unstreamed messages by their result', () => {
    const says = (id: string) =>
      line({ type: 'assistant', uuid: id, message: { id, model: 'x', content: [], usage: { output_tokens: 1 } } });
    const result = (output_tokens: number) => line({ type: 'result', subtype: 'success', usage: { output_tokens } });
    const agent = {
      type: 'system',
      subtype: 'task_started',
      task_id: 'a',
      task_type: 'local_agent',
      is_backgrounded: true,
    };
    const gone = line({ type: 'system', subtype: 'background_tasks_changed', tasks: [] });
    const { events } = decodeAll([line(agent), says('m1'), says('m2'), result(10), gone, says('m3'), result(5)]);
    const counts = events.flatMap((event) => (event.type === 'model-call-end' ? [event.usage.outputTokens] : []));
    expect(counts).toEqual([1, 9, 5]);
    expect(endOf(events)).toMatchObject({ usage: { outputTokens: 15 } });
  });

  it('ends with the reason of the result if Claude Code is idle after a stopped sub-agent', () => {
    const agent = {
      type: 'system',
      subtype: 'task_started',
      task_id: 'a',
      task_type: 'local_agent',
      is_backgrounded: true,
    };
    const result = line({ type: 'result', subtype: 'success', stop_reason: 'refusal' });
    const idle = line({ type: 'system', subtype: 'session_state_changed', state: 'idle' });
    expect(decodeAll([line(agent), idle, result, idle]).events).toEqual([{ type: 'turn-end', reason: 'refusal' }]);
  });

  it('emits images of tool results, and the type of unsupported content', () => {
    const source = { type: 'base64', media_type: 'image/png', data: 'AAAA' };
    const content = [{ type: 'image', source }, { type: 'tool_reference' }];
    const message = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content }] };
    expect(decodeAll([line({ type: 'user', message })]).events).toEqual([
      {
        type: 'tool-result',
        id: 't1',
        isError: false,
        content: [
          { type: 'image', mediaType: 'image/png', data: 'AAAA' },
          { type: 'text', text: '[tool_reference]' },
        ],
      },
    ]);
  });

  it('ends at a turn limit as at max_tokens', () => {
    const result = line({ type: 'result', subtype: 'error_max_turns', is_error: true, usage: {} });
    expect(decodeAll([result]).events).toEqual([{ type: 'turn-end', reason: 'max_tokens' }]);
  });

  it('keeps the reason to stop, and the sequence that it stopped at', () => {
    const event = { type: 'message_delta', delta: { stop_sequence: 'STOP' }, usage: {} };
    const lines = [
      line({ type: 'stream_event', event: { type: 'message_start', message: { id: 'm', model: 'x', usage: {} } } }),
      line({ type: 'stream_event', event }),
    ];
    for (const reason of ['max_tokens', 'refusal', 'model_context_window_exceeded']) {
      const result = line({ type: 'result', subtype: 'success', stop_reason: reason });
      expect(endOf(decodeAll([...lines, result]).events)).toEqual({ type: 'turn-end', reason });
    }
    const stopped = line({ type: 'result', subtype: 'success', stop_reason: 'stop_sequence' });
    expect(endOf(decodeAll([...lines, stopped]).events)).toMatchObject({ stopSequence: 'STOP' });
  });

  it('fails a turn that broke off without an interrupt', () => {
    const result = line({ type: 'result', subtype: 'error_during_execution', is_error: true, errors: ['it broke'] });
    expect(decodeAll([result]).events).toEqual([{ type: 'turn-failed', kind: 'internal', message: 'it broke' }]);
  });
});
