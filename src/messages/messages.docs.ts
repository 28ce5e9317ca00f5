import { applyDecorators } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExtraModels,
  ApiHeader,
  ApiOperation,
  ApiProduces,
  ApiResponse,
  ApiSecurity,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { TOOL_BLOCK_SETTINGS } from '../translator/tool-blocks.js';
import { CreateMessageDto } from './dto/create-message.dto.js';
import { TOOL_BLOCKS_HEADER } from './presentation.js';

const USAGE = {
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

const MESSAGE = {
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
  usage: USAGE,
};

const STREAM = [
  { type: 'message_start', message: { ...MESSAGE, content: [], stop_reason: null } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '', citations: null } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'There is one file.' } },
  { type: 'content_block_stop', index: 0 },
  {
    type: 'message_delta',
    delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null, container: null },
    usage: USAGE,
    context_management: null,
  },
  { type: 'message_stop' },
]
  .map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  .join('');

const ERROR_SCHEMA = {
  type: 'object',
  required: ['type', 'error', 'request_id'],
  properties: {
    type: { type: 'string', enum: ['error'] },
    error: { type: 'object', properties: { type: { type: 'string' }, message: { type: 'string' } } },
    request_id: { type: 'string' },
  },
};

const ERRORS: readonly (readonly [number, string, string])[] = [
  [
    400,
    'invalid_request_error',
    'The request is malformed, has no user message to answer, or continues a message thread that has gone on already.',
  ],
  [401, 'authentication_error', 'The key is missing or wrong.'],
  [404, 'not_found_error', 'The model names nothing that this server has, or no thread has the message to continue.'],
  [409, 'conflict_error', 'The thread is busy and the deployment does not queue.'],
  [413, 'request_too_large', 'The body is larger than 32 MB.'],
  [429, 'rate_limit_error', 'The agent’s model provider limits its rate.'],
  [500, 'api_error', 'The agent or the server failed.'],
  [503, 'api_error', 'The server is restarting.'],
  [504, 'timeout_error', 'The turn is not done yet; it goes on, and the same request attaches to it.'],
  [529, 'overloaded_error', 'Too many turns are waiting, or the agent’s model provider is overloaded.'],
];

/** Both ways to present a key. */
export function KeyDocs(): ClassDecorator & MethodDecorator {
  return applyDecorators(ApiBearerAuth('bearer'), ApiSecurity('x-api-key'));
}

/** Anthropic's error envelope for each of the statuses. */
export function ErrorDocs(...statuses: readonly number[]): MethodDecorator {
  const wanted = ERRORS.filter(([status]) => statuses.length === 0 || statuses.includes(status));
  return applyDecorators(
    ...wanted.map(([status, type, description]) =>
      ApiResponse({
        status,
        description: `\`${type}\`: ${description}`,
        content: {
          'application/json': {
            schema: ERROR_SCHEMA,
            example: { type: 'error', error: { type, message: description }, request_id: 'req_018f3c' },
          },
        },
      }),
    ),
  );
}

/** `POST /v1/messages` in the OpenAPI document. */
export function CreateMessageDocs(): MethodDecorator {
  const text = { type: 'string' } as const;
  return applyDecorators(
    ApiTags('Messages'),
    KeyDocs(),
    ApiExtraModels(CreateMessageDto),
    ApiOperation({
      summary: 'Send a message to an agent thread',
      description:
        'Anthropic’s Messages API. The last user message becomes a turn of the thread; the agent answers from its own workspace. The same request attaches to the turn instead of starting another.',
    }),
    ApiHeader({
      name: 'x-chiron-thread-key',
      description: 'The thread, `<source>:<id>`. Also accepted as `x-centaur-thread-key`.',
      schema: text,
    }),
    ApiHeader({ name: 'x-claude-code-session-id', description: 'The thread `api:claude:<session id>`.', schema: text }),
    ApiHeader({
      name: 'idempotency-key',
      description: 'Requests of a thread with the same key are the same request.',
      schema: text,
    }),
    ApiHeader({
      name: TOOL_BLOCKS_HEADER,
      description:
        'How the answer shows what tools did inside the sandbox, instead of `CHIRON_TOOL_BLOCKS`. `auto`: text for Claude Code in a terminal, else MCP blocks.',
      schema: { type: 'string', enum: [...TOOL_BLOCK_SETTINGS] },
    }),
    ApiHeader({ name: 'traceparent', description: 'W3C trace context; its trace id is in the log.', schema: text }),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateMessageDto) },
      examples: {
        whole: {
          summary: 'The whole message as JSON',
          value: {
            model: 'claude-opus-5-5',
            max_tokens: 1024,
            messages: [{ role: 'user', content: 'Which files are here?' }],
          },
        },
        streaming: {
          summary: 'Server-sent events',
          value: {
            model: 'claude-opus-5-5',
            max_tokens: 1024,
            stream: true,
            messages: [{ role: 'user', content: 'Which files are here?' }],
          },
        },
        continuing: {
          summary: 'A message thread goes on',
          value: {
            model: 'claude-opus-5-5',
            max_tokens: 1024,
            thread: { type: 'continue', previous_message_id: 'msg_018f3c' },
            messages: [{ role: 'user', content: 'And which of them are large?' }],
          },
        },
      },
    }),
    ApiProduces('application/json', 'text/event-stream'),
    ApiResponse({
      status: 200,
      description: 'The message of the turn.',
      headers: {
        'request-id': { schema: text, description: 'Id of this request.' },
        'x-chiron-thread-key': { schema: text, description: 'The thread that answered; send it to go on with it.' },
      },
      content: {
        'application/json': { schema: { type: 'object', additionalProperties: true }, example: MESSAGE },
        'text/event-stream': { schema: text, example: STREAM },
      },
    }),
    ErrorDocs(),
  );
}

/** `POST /v1/messages/{message_id}/cancel` in the OpenAPI document. */
export function CancelMessageDocs(): MethodDecorator {
  return applyDecorators(
    ApiTags('Messages'),
    KeyDocs(),
    ApiOperation({ summary: 'Interrupt the turn that answers with this message' }),
    ApiResponse({
      status: 200,
      description: 'Whether it was still going on.',
      content: { 'application/json': { example: { cancelled: true } } },
    }),
    ErrorDocs(401, 404),
  );
}
