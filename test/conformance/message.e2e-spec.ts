import { describe, expect, it } from 'vitest';
import type { HarnessEvent, TurnEndReason } from '../../src/domain/harness-event.js';
import { ask, thread } from '../support/requests.js';
import { CALL_USAGE, modelCall, textBlock } from '../support/scripted-harness.js';
import { ConformanceServer, expectError, idOf } from './support/server.js';

const server = new ConformanceServer();

/** How a message ends, streamed and unstreamed. */
const END = { stop_sequence: null, stop_details: null };

describe('a message', () => {
  it('A.4 has every field, nullable ones included, streamed and unstreamed', async () => {
    const { message, events } = await server.answer('fields', (run) => run.answer('all here'));
    const fields = {
      id: expect.stringMatching(/^msg_[0-9a-f]{24}$/) as string,
      type: 'message',
      role: 'assistant',
      model: 'claude-opus-5-5',
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      context_management: null,
    };
    expect(message).toEqual({
      ...fields,
      content: [{ type: 'text', text: 'all here', citations: null }],
      stop_reason: 'end_turn',
      usage: expect.anything() as object,
    });
    expect(events[0]).toEqual({
      type: 'message_start',
      message: { ...fields, content: [], stop_reason: null, usage: expect.anything() as object },
    });
    expect(events.at(-2)).toEqual({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
      context_management: null,
      usage: expect.anything() as object,
    });
  });

  it('A.4 has a unique id, and its response a request-id, which clients require for message threads', async () => {
    const one = await server.post(ask('one')).expect(200);
    const other = await server.post(ask('another')).expect(200);
    expect(idOf(other)).not.toBe(idOf(one));
    expect(one.headers['request-id']).toMatch(/^req_/);
    expect(other.headers['request-id']).not.toBe(one.headers['request-id']);
  });

  it('A.4 has ids of inner tools with the prefix of their type, and of caller tools as the agent has them', async () => {
    const { message } = await server.answer('ids', (run) =>
      run.end(
        { type: 'tool-call', id: 'call_7', name: 'Bash', server: 'agent', input: {} },
        { type: 'tool-result', id: 'call_7', content: [], isError: false },
        { type: 'caller-tool-call', id: 'call_8', name: 'ask_user', input: {} },
      ),
    );
    expect(message.content).toMatchObject([
      { type: 'mcp_tool_use', id: 'mcptoolu_7' },
      { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_7' },
      { type: 'tool_use', id: 'call_8' },
    ]);
  });
});

describe('usage', () => {
  const COUNTS = {
    input_tokens: 12,
    output_tokens: 5,
    cache_creation_input_tokens: 7,
    cache_read_input_tokens: 100,
    cache_creation: { ephemeral_5m_input_tokens: 7, ephemeral_1h_input_tokens: 0 },
  };
  const REST = { server_tool_use: null, service_tier: 'standard', speed: null, inference_geo: null };

  it('A.4 has all fields in message_start, in message_delta and in the unstreamed message', async () => {
    const { message, events } = await server.answer('usage', (run) => run.answer('counted'));
    const usage = {
      ...COUNTS,
      ...REST,
      output_tokens_details: { thinking_tokens: 2 },
      iterations: [{ type: 'message', model: 'scripted', ...COUNTS }],
    };
    expect(message.usage).toEqual(usage);
    expect(events.at(-2)).toMatchObject({ usage });
    expect(events[0]).toEqual({
      type: 'message_start',
      message: expect.objectContaining({
        usage: {
          ...REST,
          input_tokens: 0,
          output_tokens: 0,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          cache_creation: null,
          output_tokens_details: null,
          iterations: null,
        },
      }) as object,
    });
  });

  it('A.4 is the turn’s total, with an iteration per model call, and the last one is the context size', async () => {
    const first = { ...CALL_USAGE, inputTokens: 1000, outputTokens: 50 };
    const last = { ...CALL_USAGE, inputTokens: 30, cacheReadInputTokens: 1500, outputTokens: 8 };
    const { message } = await server.answer('two calls', (run) =>
      run.end(...modelCall(textBlock('a', 'a'), first), ...modelCall(textBlock('b', 'b'), last)),
    );
    expect(message.usage).toMatchObject({
      input_tokens: 1030,
      output_tokens: 58,
      cache_read_input_tokens: 1600,
      cache_creation_input_tokens: 14,
      output_tokens_details: { thinking_tokens: 4 },
      iterations: [
        { type: 'message', input_tokens: 1000, cache_read_input_tokens: 100 },
        { type: 'message', input_tokens: 30, cache_read_input_tokens: 1500 },
      ],
    });
  });
});

describe('stop_reason', () => {
  const said = (end: Partial<Extract<HarnessEvent, { type: 'turn-end' }>> & { readonly reason: TurnEndReason }) =>
    [...modelCall(textBlock('as far as it got')), { type: 'turn-end', ...end }] satisfies readonly HarnessEvent[];

  const ends: readonly (readonly [Parameters<typeof said>[0], object])[] = [
    [{ reason: 'end_turn' }, { ...END, stop_reason: 'end_turn' }],
    [{ reason: 'max_tokens' }, { ...END, stop_reason: 'max_tokens' }],
    [
      { reason: 'stop_sequence', stopSequence: 'HALT' },
      { ...END, stop_reason: 'stop_sequence', stop_sequence: 'HALT' },
    ],
    [{ reason: 'model_context_window_exceeded' }, { ...END, stop_reason: 'model_context_window_exceeded' }],
    [{ reason: 'interrupted' }, { ...END, stop_reason: 'end_turn' }],
    [
      { reason: 'refusal', refusal: { category: 'cyber', explanation: 'Not this.' } },
      {
        ...END,
        stop_reason: 'refusal',
        stop_details: { type: 'refusal', category: 'cyber', explanation: 'Not this.' },
      },
    ],
    [
      { reason: 'refusal' },
      { ...END, stop_reason: 'refusal', stop_details: { type: 'refusal', category: null, explanation: null } },
    ],
  ];

  it.each(ends)('A.4 of an agent that ends with %j is passed on, streamed and unstreamed', async (end, told) => {
    const prompt = JSON.stringify(end);
    server.plays(prompt, (run) => run.finish(said(end)));
    // Both concurrently: an interrupted turn is not replayed after it was read.
    const body = server.conversation(prompt);
    const stream = server.open({ ...body, stream: true }, thread(prompt));
    const whole = await server.post(body, thread(prompt)).expect(200);
    await stream.done();
    expect(whole.body).toMatchObject({ ...told, content: [{ type: 'text', text: 'as far as it got' }] });
    expect(stream.events[0]).toMatchObject({ message: { stop_reason: null, stop_sequence: null, stop_details: null } });
    expect(stream.events.at(-2)).toMatchObject({ type: 'message_delta', delta: told });
    expect(stream.text + whole.text).not.toContain('pause_turn');
  });

  it('A.4 is tool_use for a call of a caller’s tool', async () => {
    const { message } = await server.answer('a caller tool', (run) => {
      run.say({ type: 'caller-tool-call', id: 'toolu_1', name: 'ask_user', input: { question: 'why?' } });
      run.endAs('tool_use');
    });
    expect(message).toMatchObject({
      ...END,
      stop_reason: 'tool_use',
      content: [{ type: 'tool_use', id: 'toolu_1', name: 'ask_user', input: { question: 'why?' } }],
    });
  });

  it('A.4 is absent for a failed agent: an HTTP error before any output, an error event after', async () => {
    server.plays('fails at first', (run) => run.fail('overloaded'));
    expectError(await server.post(ask('fails at first')), 529, 'overloaded_error');
    server.plays('fails later', (run) => {
      run.text('half');
      run.fail('overloaded');
    });
    const later = await server.open(ask('fails later', { stream: true })).done();
    expect(later.types.slice(-2)).toEqual(['content_block_stop', 'error']);
    expect(later.text).not.toContain('"stop_reason":"');
  });
});
