import type { Message, StreamEvent, Usage } from './stream-event.js';

/** Example in the OpenAPI document: the tokens of a turn. */
export const EXAMPLE_USAGE: Usage = {
  input_tokens: 12,
  output_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens_details: { thinking_tokens: 0 },
  server_tool_use: null,
  service_tier: 'standard',
  speed: null,
  inference_geo: null,
  iterations: null,
};

/** Example in the OpenAPI document: a message with a tool call. */
export const EXAMPLE_MESSAGE: Message = {
  id: 'msg_5f2c9d0e8b7a6c5d4e3f2a1b',
  type: 'message',
  role: 'assistant',
  model: 'claude-opus-5-5',
  content: [
    { type: 'mcp_tool_use', id: 'mcptoolu_01', name: 'Bash', server_name: 'agent', input: { command: 'ls' } },
    {
      type: 'mcp_tool_result',
      tool_use_id: 'mcptoolu_01',
      is_error: false,
      content: [{ type: 'text', text: 'README.md', citations: null }],
    },
    { type: 'text', text: 'There is one file.', citations: null },
  ],
  stop_reason: 'end_turn',
  stop_sequence: null,
  stop_details: null,
  container: null,
  diagnostics: null,
  context_management: null,
  usage: EXAMPLE_USAGE,
};

const STREAM: readonly StreamEvent[] = [
  { type: 'message_start', message: { ...EXAMPLE_MESSAGE, content: [], stop_reason: null } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'There is one file.' } },
  { type: 'content_block_stop', index: 0 },
  {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
    usage: EXAMPLE_USAGE,
    context_management: null,
  },
  { type: 'message_stop' },
];

/** Example in the OpenAPI document: a complete stream. */
export const EXAMPLE_STREAM = STREAM.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(
  '',
);
