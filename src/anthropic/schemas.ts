// Anthropic's wire types (`stream-event.ts`) as JSON Schemas for the OpenAPI document. A test validates real answers against them.
import {
  ANY_OBJECT,
  BOOLEAN,
  described,
  INTEGER,
  list,
  NULL,
  nullable,
  object,
  oneOfTexts,
  ref,
  type Schema,
  TEXT,
} from '../openapi/schema.js';
import { ERROR_STATUS } from './anthropic-error.js';

const CACHE_CREATION = object({ ephemeral_5m_input_tokens: INTEGER, ephemeral_1h_input_tokens: INTEGER });

const TOKENS = {
  input_tokens: INTEGER,
  output_tokens: INTEGER,
  cache_creation_input_tokens: INTEGER,
  cache_read_input_tokens: INTEGER,
};

const STOP_REASON = oneOfTexts(
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'refusal',
  'model_context_window_exceeded',
);

const STOP_DETAILS = described(
  'Why the model refused; `null` otherwise.',
  nullable(object({ type: oneOfTexts('refusal'), category: nullable(TEXT), explanation: nullable(TEXT) })),
);

const CONTENT_BLOCKS = {
  TextBlock: object({ type: oneOfTexts('text'), text: TEXT, citations: NULL }),
  ThinkingBlock: object({ type: oneOfTexts('thinking'), thinking: TEXT, signature: TEXT }),
  ToolUseBlock: described(
    'A call of a tool that the request declared and `tool_choice` forced.',
    object({ type: oneOfTexts('tool_use'), id: TEXT, name: TEXT, input: ANY_OBJECT }),
  ),
  McpToolUseBlock: described(
    'A call that the agent made inside its sandbox. It needs no result from the caller.',
    object({ type: oneOfTexts('mcp_tool_use'), id: TEXT, name: TEXT, server_name: TEXT, input: ANY_OBJECT }),
  ),
  McpToolResultBlock: described(
    'The result of a call inside the sandbox.',
    object({
      type: oneOfTexts('mcp_tool_result'),
      tool_use_id: TEXT,
      is_error: BOOLEAN,
      content: list(ref('TextBlock')),
    }),
  ),
  ServerToolUseBlock: described(
    'A call inside the sandbox, with `x-chiron-tool-blocks: server`.',
    object({
      type: oneOfTexts('server_tool_use'),
      id: TEXT,
      name: oneOfTexts('bash_code_execution'),
      input: ANY_OBJECT,
      caller: object({ type: oneOfTexts('direct') }),
    }),
  ),
  ServerToolResultBlock: described(
    'The result of a call inside the sandbox, with `x-chiron-tool-blocks: server`.',
    object({
      type: oneOfTexts('bash_code_execution_tool_result'),
      tool_use_id: TEXT,
      content: object({
        type: oneOfTexts('bash_code_execution_result'),
        stdout: TEXT,
        stderr: TEXT,
        return_code: INTEGER,
        content: list(ANY_OBJECT),
      }),
    }),
  ),
};

const CONTENT_DELTA = {
  oneOf: [
    object({ type: oneOfTexts('text_delta'), text: TEXT }),
    object({ type: oneOfTexts('thinking_delta'), thinking: TEXT }),
    object({ type: oneOfTexts('signature_delta'), signature: TEXT }),
    object({ type: oneOfTexts('input_json_delta'), partial_json: TEXT }),
  ],
};

const ERROR = object(
  { type: oneOfTexts(...Object.keys(ERROR_STATUS)), message: TEXT },
  { details: object({ error_code: TEXT }) },
);

const STREAM_EVENTS = {
  MessageStartEvent: object({ type: oneOfTexts('message_start'), message: ref('Message') }),
  ContentBlockStartEvent: object({
    type: oneOfTexts('content_block_start'),
    index: INTEGER,
    content_block: ref('ContentBlock'),
  }),
  ContentBlockDeltaEvent: object({ type: oneOfTexts('content_block_delta'), index: INTEGER, delta: CONTENT_DELTA }),
  ContentBlockStopEvent: object({ type: oneOfTexts('content_block_stop'), index: INTEGER }),
  MessageDeltaEvent: object({
    type: oneOfTexts('message_delta'),
    delta: object({
      stop_reason: STOP_REASON,
      stop_sequence: nullable(TEXT),
      stop_details: STOP_DETAILS,
      container: NULL,
    }),
    usage: ref('Usage'),
    context_management: NULL,
  }),
  MessageStopEvent: object({ type: oneOfTexts('message_stop') }),
  PingEvent: object({ type: oneOfTexts('ping') }),
};

/** The component schemas of the requests and responses of the Messages API. */
export const WIRE_SCHEMAS: Readonly<Record<string, Schema>> = {
  MessageParam: described(
    'A message of the conversation: text, or content blocks as in Anthropic’s API.',
    object({ role: oneOfTexts('user', 'assistant', 'system'), content: { oneOf: [TEXT, list(ANY_OBJECT)] } }),
  ),
  Usage: described(
    'Tokens of the complete turn. `iterations` has one entry per model call; the last entry is the size of the context.',
    object({
      ...TOKENS,
      cache_creation: nullable(CACHE_CREATION),
      output_tokens_details: nullable(object({ thinking_tokens: INTEGER })),
      server_tool_use: NULL,
      service_tier: oneOfTexts('standard'),
      speed: NULL,
      inference_geo: NULL,
      iterations: nullable(
        list(object({ type: oneOfTexts('message'), model: TEXT, ...TOKENS, cache_creation: CACHE_CREATION })),
      ),
    }),
  ),
  ...CONTENT_BLOCKS,
  ContentBlock: { oneOf: Object.keys(CONTENT_BLOCKS).map(ref) },
  Message: described(
    'The answer of a turn.',
    object({
      id: TEXT,
      type: oneOfTexts('message'),
      role: oneOfTexts('assistant'),
      model: TEXT,
      content: list(ref('ContentBlock')),
      stop_reason: nullable(STOP_REASON),
      stop_sequence: nullable(TEXT),
      stop_details: STOP_DETAILS,
      container: NULL,
      diagnostics: NULL,
      context_management: NULL,
      usage: ref('Usage'),
    }),
  ),
  ...STREAM_EVENTS,
  MessageStreamEvent: described('The `data` of one server-sent event; its `event` is the same as `type`.', {
    oneOf: [...Object.keys(STREAM_EVENTS), 'ErrorResponse'].map(ref),
  }),
  ErrorResponse: described(
    'An error in the form of Anthropic’s API.',
    object({ type: oneOfTexts('error'), error: ERROR, request_id: TEXT }),
  ),
};
