import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiParam, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { IdempotencyKeyDocs, KnownTurnsDocs } from '../openapi/common.docs.js';
import { header, JsonResponseDocs, LIMIT_HEADER_DOCS, OperationDocs } from '../openapi/operation.js';
import { BOOLEAN, eventStream, object, oneOfTexts, ref, TEXT } from '../openapi/schema.js';
import { TOOL_BLOCK_SETTINGS } from '../domain/tool-block-form.js';
import { EXAMPLE_MESSAGE, EXAMPLE_STREAM } from '../anthropic/examples.js';
import { CreateMessageDto } from './request/create-message.dto.js';
import { ErrorDocs } from '../anthropic/error.docs.js';
import { CALLER_TOOLS_HEADER, KNOWN_TURNS_HEADER, TOOL_BLOCKS_HEADER } from '../http/thread-headers.js';
import { CALLER_TOOLS_POLICIES } from '../domain/caller-tool.js';

const REQUEST = {
  model: 'claude-opus-5-5',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Which files are here?' }],
};

/** Headers of every answer and error of a thread. */
const THREAD_HEADERS = { 'x-chiron-thread-key': header('ThreadKey'), 'x-chiron-history': header('History') };

/** The request headers that `POST /v1/messages` reads; others are accepted and ignored. */
function CreateMessageHeaders(): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: 'x-chiron-thread-key',
      description: 'The thread, `<source>:<id>`. Also accepted as `x-centaur-thread-key`.',
      schema: { ...TEXT, examples: ['api:demo-1'] },
    }),
    ApiHeader({
      name: 'x-claude-code-session-id',
      description: 'The thread `api:claude:<session id>`. Claude Code sends it.',
      schema: { ...TEXT, examples: ['9b1d6f3e-0c2a-4d5b-8e7f-6a5b4c3d2e1f'] },
    }),
    IdempotencyKeyDocs(),
    KnownTurnsDocs(KNOWN_TURNS_HEADER),
    ApiHeader({
      name: TOOL_BLOCKS_HEADER,
      description:
        'The form of the sandbox’s tool calls in the answer. Overrides `CHIRON_TOOL_BLOCKS`. `auto`: text for Claude Code in a terminal, else MCP blocks.',
      schema: { ...oneOfTexts(...TOOL_BLOCK_SETTINGS), examples: ['text'] },
    }),
    ApiHeader({
      name: CALLER_TOOLS_HEADER,
      description:
        'Whether the agent can call the tools of the request. Overrides `CHIRON_CALLER_TOOLS`. `auto`: on, except for Claude Code.',
      schema: { ...oneOfTexts(...CALLER_TOOLS_POLICIES), examples: ['on'] },
    }),
    ApiHeader({
      name: 'traceparent',
      description: 'W3C trace context. Its trace id appears in the log.',
      schema: { ...TEXT, examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'] },
    }),
  );
}

/** `POST /v1/messages` in the OpenAPI document. */
export function CreateMessageDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'createMessage',
      tag: 'Messages',
      summary: 'Send a message to an agent thread',
      description:
        'Anthropic’s Messages API. The last user message becomes a turn of the thread; the agent answers from its own workspace. The same request attaches to the turn instead of starting another. With `stream` the answer is an event stream, else JSON.',
    }),
    ApiExtraModels(CreateMessageDto),
    CreateMessageHeaders(),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateMessageDto) },
      examples: {
        whole: { summary: 'The complete message as JSON', value: REQUEST },
        streaming: { summary: 'Server-sent events', value: { ...REQUEST, stream: true } },
        continuing: {
          summary: 'Continue a message thread',
          value: {
            ...REQUEST,
            thread: { type: 'continue', previous_message_id: 'msg_018f3c' },
            messages: [{ role: 'user', content: 'And which of them are large?' }],
          },
        },
      },
    }),
    ApiResponse({
      status: 200,
      description:
        'The message of the turn. As an event stream: `message_start`, the content blocks, `message_delta` and `message_stop`; a `ping` during silence; an `error` if the turn fails after the stream started.',
      headers: {
        'request-id': header('RequestId'),
        ...LIMIT_HEADER_DOCS,
        ...THREAD_HEADERS,
      },
      content: {
        'application/json': { schema: ref('Message'), example: EXAMPLE_MESSAGE },
        'text/event-stream': { schema: eventStream(ref('MessageStreamEvent')), example: EXAMPLE_STREAM },
      },
    }),
    ErrorDocs([400, 402, 404, 409, 413, 415, 503, 504, 529], { ...LIMIT_HEADER_DOCS, ...THREAD_HEADERS }),
  );
}

/** `POST /v1/messages/{message_id}/cancel` in the OpenAPI document. */
export function CancelMessageDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'cancelMessage',
      tag: 'Messages',
      summary: 'Interrupt the turn that answers with this message',
      description: 'Its callers get the partial answer and its end.',
    }),
    ApiParam({
      name: 'messageId',
      description: 'The `id` of the message, as in `message_start`.',
      schema: { ...TEXT, examples: [EXAMPLE_MESSAGE.id] },
    }),
    JsonResponseDocs({
      description: 'Whether the turn was still running.',
      schema: object({ cancelled: BOOLEAN }),
      example: { cancelled: true },
    }),
    ErrorDocs([400, 404]),
  );
}
