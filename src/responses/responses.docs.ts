import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiParam, ApiQuery, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { CALLER_TOOLS_POLICIES } from '../domain/caller-tool.js';
import { TOOL_BLOCK_SETTINGS } from '../domain/tool-block-form.js';
import {
  CALLER_TOOLS_HEADER,
  KNOWN_TURNS_HEADER,
  THREAD_KEY_HEADER,
  TOOL_BLOCKS_HEADER,
} from '../http/thread-headers.js';
import { header, JsonResponseDocs, LIMIT_HEADER_DOCS, OperationDocs, RETRY_HEADERS } from '../openapi/operation.js';
import { always, eventStream, object, oneOfTexts, ref, TEXT } from '../openapi/schema.js';
import { CreateResponseDto } from './request/create-response.dto.js';
import { EXAMPLE_EVENTS, EXAMPLE_INPUT_ITEMS, EXAMPLE_RESPONSE } from './wire/examples.js';

const THREAD_HEADERS = { [THREAD_KEY_HEADER]: header('ThreadKey'), 'x-chiron-history': header('History') };

const ERRORS: Readonly<Record<number, readonly [code: string | null, description: string]>> = {
  400: [
    null,
    'The request is malformed, has no message of the user, or continues a response that was continued already.',
  ],
  401: ['invalid_api_key', 'The key or token is missing or wrong.'],
  403: ['forbidden', 'A policy does not allow it.'],
  404: ['not_found', 'No model, response or item has this name.'],
  409: ['conflict', 'The thread is busy and the deployment does not queue.'],
  413: ['request_too_large', 'The body is larger than 32 MB.'],
  415: ['unsupported_media_type', 'The encoding of the body is not supported.'],
  429: [
    'rate_limit_exceeded',
    'The caller or the agent’s model provider is at a limit, or the money of a policy is spent.',
  ],
  500: ['server_error', 'The agent or the server failed.'],
  503: ['server_is_overloaded', 'The server is restarting, or too many turns are waiting.'],
};

const ALWAYS = [401, 403, 429, 500, 503];

/** Describes the errors of an operation of this API. */
function ResponsesErrorDocs(...statuses: readonly number[]): MethodDecorator {
  return applyDecorators(
    ...[...new Set([...ALWAYS, ...statuses])].map((status) => {
      const [code, description] = ERRORS[status] ?? [null, ''];
      const type = status < 500 ? 'invalid_request_error' : 'server_error';
      return JsonResponseDocs({
        status,
        description,
        schema: ref('ResponsesError'),
        example: { error: { message: description, type, param: null, code } },
        headers: { ...RETRY_HEADERS, ...LIMIT_HEADER_DOCS, ...THREAD_HEADERS },
      });
    }),
  );
}

function ResponseIdParam(): MethodDecorator {
  return ApiParam({
    name: 'responseId',
    description: 'The `id` of the response.',
    schema: { ...TEXT, examples: [EXAMPLE_RESPONSE.id] },
  });
}

function ResponseOrStream(description: string): MethodDecorator {
  return ApiResponse({
    status: 200,
    description,
    headers: { 'request-id': header('RequestId'), ...LIMIT_HEADER_DOCS, ...THREAD_HEADERS },
    content: {
      'application/json': { schema: ref('Response'), example: EXAMPLE_RESPONSE },
      'text/event-stream': { schema: eventStream(ref('ResponseStreamEvent')), example: EXAMPLE_EVENTS },
    },
  });
}

/** `POST /v1/responses` in the OpenAPI document. */
export function CreateResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'createResponse',
      tag: 'Responses',
      summary: 'Ask an agent thread for a response',
      description:
        'OpenAI’s Responses API. What follows the last item of the agent becomes a turn of the thread. The same request attaches to the turn instead of starting another. With `stream` the answer is an event stream, else JSON; with `background` it is the response as it is now.',
    }),
    ApiExtraModels(CreateResponseDto),
    ApiHeader({
      name: THREAD_KEY_HEADER,
      description: 'The thread, `<source>:<id>`.',
      schema: { ...TEXT, examples: ['api:demo-1'] },
    }),
    ApiHeader({
      name: 'thread-id',
      description: 'The thread `api:codex:<id>`. Codex sends it.',
      schema: { ...TEXT, examples: ['01a21555-04bd-7941-b19f-dc398e16ef0e'] },
    }),
    ApiHeader({
      name: 'idempotency-key',
      description: 'Requests of a thread with the same key are the same request.',
      schema: { type: 'string', minLength: 1, maxLength: 256, examples: ['order-4711'] },
    }),
    ApiHeader({
      name: KNOWN_TURNS_HEADER,
      description:
        'The numbers of the first and the last turn of the thread that others made and that are in the history of the request. `chiron join` sends it.',
      schema: { type: 'string', pattern: '^[1-9][0-9]*-[1-9][0-9]*$', examples: ['1-12'] },
    }),
    ApiHeader({
      name: TOOL_BLOCKS_HEADER,
      description:
        'The form of the sandbox’s tool calls: `mcp_call` items, lines of text, or none. `auto`: both for Codex, else items.',
      schema: { ...oneOfTexts(...TOOL_BLOCK_SETTINGS), examples: ['text'] },
    }),
    ApiHeader({
      name: CALLER_TOOLS_HEADER,
      description: 'Whether the agent can call the functions of the request. `auto`: on, except for Codex.',
      schema: { ...oneOfTexts(...CALLER_TOOLS_POLICIES), examples: ['on'] },
    }),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateResponseDto) },
      examples: {
        whole: {
          summary: 'The complete response as JSON',
          value: { model: 'claude-opus-5-5', input: 'Which files are here?' },
        },
        continuing: {
          summary: 'Continue a response',
          value: { model: 'claude-opus-5-5', input: 'And which are large?', previous_response_id: EXAMPLE_RESPONSE.id },
        },
      },
    }),
    ResponseOrStream('The response of the turn. A turn that fails while it is streamed ends with `response.failed`.'),
    ResponsesErrorDocs(400, 404, 409, 413, 415),
  );
}

/** `GET /v1/responses/{id}` in the OpenAPI document. */
export function GetResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getResponse',
      tag: 'Responses',
      summary: 'Read a response, or follow its events',
      description: 'With `stream=true` the events after `starting_after`, first a replay and then live.',
    }),
    ResponseIdParam(),
    ApiQuery({
      name: 'stream',
      required: false,
      description: 'Whether to send events.',
      schema: { ...oneOfTexts('true', 'false'), examples: ['true'] },
    }),
    ApiQuery({
      name: 'starting_after',
      required: false,
      description: 'The `sequence_number` of the last event that the reader has.',
      schema: { type: 'integer', minimum: 0, examples: [12] },
    }),
    ResponseOrStream('The response as it is now, or its events.'),
    ResponsesErrorDocs(400, 404),
  );
}

/** `DELETE /v1/responses/{id}` in the OpenAPI document. */
export function DeleteResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'deleteResponse',
      tag: 'Responses',
      summary: 'Forget a response',
      description: 'Nobody finds it any more. The thread and its agent keep what was said.',
    }),
    ResponseIdParam(),
    JsonResponseDocs({
      description: 'The response is deleted.',
      schema: object({ id: TEXT, object: oneOfTexts('response'), deleted: always(true) }),
      example: { id: EXAMPLE_RESPONSE.id, object: 'response', deleted: true },
    }),
    ResponsesErrorDocs(404),
  );
}

/** `GET /v1/responses/{id}/input_items` in the OpenAPI document. */
export function InputItemsDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({ id: 'listInputItems', tag: 'Responses', summary: 'List what a response answers' }),
    ResponseIdParam(),
    JsonResponseDocs({
      description: 'The message of the response’s turn.',
      schema: ref('ResponseInputItems'),
      example: EXAMPLE_INPUT_ITEMS,
    }),
    ResponsesErrorDocs(404),
  );
}

/** `POST /v1/responses/{id}/cancel` in the OpenAPI document. */
export function CancelResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'cancelResponse',
      tag: 'Responses',
      summary: 'Interrupt the turn of a response',
      description: 'Answers with what there is of it once the turn has ended. One that had ended stays as it is.',
    }),
    ResponseIdParam(),
    JsonResponseDocs({ description: 'The response.', schema: ref('Response'), example: EXAMPLE_RESPONSE }),
    ResponsesErrorDocs(404),
  );
}
