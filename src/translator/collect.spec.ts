import { describe, expect, it } from 'vitest';
import type { HarnessEvent, TokenUsage } from '../domain/harness-event.js';
import { addEvent, collect, toCollected, buildTurnMessage, createMessageBuilder } from './collect.js';
import {
  forceStart,
  keepAlive,
  initialState,
  translateEvent,
  translateEvents,
  type TranslateOptions,
} from './translate.js';
import type { StreamEvent } from '../anthropic/stream-event.js';

const usage: TokenUsage = {
  inputTokens: 1,
  outputTokens: 2,
  cacheReadInputTokens: 3,
  cacheCreationInputTokens: 4,
  thinkingTokens: 5,
};
const options: TranslateOptions = { messageId: 'msg_1', model: 'model-x', knownUsage: null };
const text = (id: string, words: string): HarnessEvent => ({ type: 'text-delta', id, text: words });
const turn: readonly HarnessEvent[] = [
  { type: 'model-call-start', model: 'model-x', usage },
  { type: 'thinking-delta', id: 'a', text: 'h' },
  { type: 'thinking-delta', id: 'a', text: 'm' },
  { type: 'block-end', id: 'a', signature: 'signed' },
  { type: 'tool-call', id: 'toolu_1', name: 'Bash', server: 'agent', input: { command: 'ls' } },
  { type: 'tool-result', id: 'toolu_1', content: [{ type: 'text', text: 'a file' }], isError: false },
  text('b', 'one '),
  text('b', 'file'),
  { type: 'block-end', id: 'b' },
  { type: 'caller-tool-call', id: 'toolu_2', name: 'weather', input: { city: 'Paris', days: [1, 2] } },
  { type: 'model-call-end', model: 'model-x', usage },
  { type: 'turn-end', reason: 'stop_sequence', stopSequence: 'END' },
];
const message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'model-x',
  content: [
    { type: 'thinking', thinking: 'hm', signature: 'signed' },
    { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
    {
      type: 'mcp_tool_result',
      tool_use_id: 'mcptoolu_1',
      is_error: false,
      content: [{ type: 'text', text: 'a file', citations: null }],
    },
    { type: 'text', text: 'one file', citations: null },
    { type: 'tool_use', id: 'toolu_2', name: 'weather', input: { city: 'Paris', days: [1, 2] } },
  ],
  stop_reason: 'stop_sequence',
  stop_sequence: 'END',
  stop_details: null,
  container: null,
  diagnostics: null,
  context_management: null,
  usage: {
    input_tokens: 1,
    output_tokens: 2,
    cache_read_input_tokens: 3,
    cache_creation_input_tokens: 4,
    cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 0 },
    output_tokens_details: { thinking_tokens: 5 },
    server_tool_use: null,
    service_tier: 'standard',
    speed: null,
    inference_geo: null,
    iterations: [
      {
        type: 'message',
        model: 'model-x',
        input_tokens: 1,
        output_tokens: 2,
        cache_read_input_tokens: 3,
        cache_creation_input_tokens: 4,
        cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 0 },
      },
    ],
  },
};

describe('a collected stream', () => {
  it('is one message with every field', () => {
    expect(collect(translateEvents(initialState(options), turn)[1])).toEqual({ message });
  });

  it('may contain pings', () => {
    const [, events] = translateEvents(initialState(options), turn);
    expect(collect(events.flatMap((event): StreamEvent[] => [{ type: 'ping' }, event]))).toEqual({ message });
  });

  it('omits thinking blocks that only kept the connection alive', () => {
    const [begun, first] = forceStart(initialState(options));
    const [alive, second] = keepAlive(begun);
    const [said, third] = translateEvent(alive, text('a', 'hi'));
    const [, rest] = translateEvent(said, { type: 'turn-end', reason: 'end_turn' });
    expect(collect([...first, ...second, ...third, ...rest])).toMatchObject({
      message: { content: [{ type: 'text', text: 'hi' }], stop_reason: 'end_turn' },
    });
  });

  it('keeps a thinking block with only a signature', () => {
    const events: readonly StreamEvent[] = [
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'signed' } },
      { type: 'content_block_stop', index: 0 },
    ];
    const [open, first] = forceStart(initialState(options));
    const [, last] = translateEvent(open, { type: 'turn-end', reason: 'end_turn' });
    expect(collect([...first, ...events, ...last])).toMatchObject({
      message: { content: [{ type: 'thinking', thinking: '', signature: 'signed' }] },
    });
  });

  it('is an error if the stream has one, even after text', () => {
    const error = { type: 'overloaded_error', message: 'busy' };
    const failure: HarnessEvent = { type: 'turn-failed', kind: 'overloaded', message: 'busy' };
    expect(collect(translateEvents(initialState(options), [failure])[1])).toEqual({ error });
    expect(collect(translateEvents(initialState(options), [text('a', 'hi'), failure])[1])).toEqual({ error });
  });

  it('is an error when the stream was cut off', () => {
    const error = { type: 'api_error', message: 'The response ended prematurely.' };
    expect(collect([])).toEqual({ error });
    expect(collect(translateEvents(initialState(options), turn.slice(0, -1))[1])).toEqual({ error });
    expect(collect(translateEvents(initialState(options), turn)[1].slice(0, -1))).toEqual({ error });
  });

  it('gives a tool without input deltas an empty input', () => {
    const events = translateEvents(initialState(options), turn)[1];
    const silent = events.filter(
      (event) => event.type !== 'content_block_delta' || event.delta.type !== 'input_json_delta',
    );
    expect(collect(silent)).toMatchObject({ message: { content: { 4: { type: 'tool_use', input: {} } } } });
  });

  it('throws for tool input that is not JSON', () => {
    const broken = translateEvents(initialState(options), turn)[1].map((event): StreamEvent =>
      event.type === 'content_block_delta' && event.delta.type === 'input_json_delta'
        ? { ...event, delta: { type: 'input_json_delta', partial_json: '{' } }
        : event,
    );
    expect(() => collect(broken)).toThrow(SyntaxError);
  });

  it('grows to any length', () => {
    const state = createMessageBuilder();
    let [open, events] = forceStart(initialState(options));
    events.forEach((event) => addEvent(state, event));
    for (let count = 0; count < 100_000; count += 1) {
      [open, events] = translateEvent(open, text('a', 'ab'));
      events.forEach((event) => addEvent(state, event));
    }
    translateEvent(open, { type: 'turn-end', reason: 'end_turn' })[1].forEach((event) => addEvent(state, event));
    expect(toCollected(state)).toMatchObject({ message: { content: [{ type: 'text', text: 'ab'.repeat(100_000) }] } });
  });
});

describe('the answer that is stored with a turn', () => {
  it('equals what its callers got', () => {
    expect(buildTurnMessage(options, turn)).toEqual({ message });
  });

  it('has only the finished blocks of dead attempts', () => {
    const died: readonly HarnessEvent[] = [
      text('a', 'whole'),
      { type: 'block-end', id: 'a' },
      text('b', 'hal'),
      { type: 'attempt-start', attempt: 2 },
      text('c', 'again'),
      { type: 'turn-end', reason: 'end_turn' },
    ];
    expect(buildTurnMessage(options, died)).toMatchObject({
      message: { content: [{ text: 'whole' }, { text: 'again' }] },
    });
  });

  it('is an error for a turn that failed or has no end', () => {
    expect(
      buildTurnMessage(options, [text('a', 'hi'), { type: 'turn-failed', kind: 'billing', message: 'pay' }]),
    ).toEqual({
      error: { type: 'api_error', message: 'pay', details: { error_code: 'agent_unavailable' } },
    });
    expect(buildTurnMessage(options, new Set(turn.slice(0, -1)))).toEqual({
      error: { type: 'api_error', message: 'The agent stopped before its turn ended.' },
    });
  });
});
