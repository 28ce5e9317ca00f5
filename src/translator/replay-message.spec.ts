import { describe, expect, it } from 'vitest';
import { checkGrammar } from '../../test/support/stream-grammar.js';
import { collect } from './collect.js';
import { forceStart, initialState } from './translate.js';
import { replayMessage } from './replay-message.js';
import type { TokenUsage } from '../domain/harness-event.js';
import type { Message } from '../anthropic/stream-event.js';

const message: Message = {
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'model-x',
  content: [
    { type: 'thinking', thinking: 'hm', signature: 'signed' },
    { type: 'thinking', thinking: '', signature: 'only signed' },
    { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
    {
      type: 'mcp_tool_result',
      tool_use_id: 'mcptoolu_1',
      is_error: true,
      content: [{ type: 'text', text: 'no', citations: null }],
    },
    { type: 'text', text: 'one file', citations: null },
    { type: 'tool_use', id: 'toolu_2', name: 'weather', input: { city: 'Paris' } },
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
    cache_creation: null,
    output_tokens_details: { thinking_tokens: 5 },
    server_tool_use: null,
    service_tier: 'standard',
    speed: null,
    inference_geo: null,
    iterations: [],
  },
};

const KNOWN: TokenUsage = {
  inputTokens: 11,
  outputTokens: 12,
  cacheReadInputTokens: 13,
  cacheCreationInputTokens: 14,
  thinkingTokens: 15,
};

describe('a stored message as a stream', () => {
  it('follows the grammar and collects to the same message', () => {
    const events = replayMessage(message, KNOWN);
    expect(checkGrammar(events)).toEqual([]);
    expect(collect(events)).toEqual({ message });
  });

  it('has no deltas for empty content', () => {
    const signed = replayMessage(message, KNOWN).filter(
      (event) => event.type === 'content_block_delta' && event.index === 1,
    );
    expect(signed).toEqual([
      { type: 'content_block_delta', index: 1, delta: { type: 'signature_delta', signature: 'only signed' } },
    ]);
  });

  it.each([KNOWN, null])('starts like a live stream, with the known usage of its thread: %j', (knownUsage) => {
    const [, live] = forceStart(initialState({ messageId: message.id, model: message.model, knownUsage }));
    expect(replayMessage(message, knownUsage).slice(0, 1)).toEqual(live);
  });

  it('has only a start and an end for a message without content', () => {
    const events = replayMessage({ ...message, content: [] }, null);
    expect(events.map(({ type }) => type)).toEqual(['message_start', 'message_delta', 'message_stop']);
  });
});
