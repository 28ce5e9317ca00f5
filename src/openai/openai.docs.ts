import { applyDecorators } from '@nestjs/common';
import { ApiHeader, ApiResponse, type ReferenceObject } from '@nestjs/swagger';
import { CALLER_TOOLS_POLICIES } from '../domain/caller-tool.js';
import { TOOL_BLOCK_SETTINGS } from '../domain/tool-block-form.js';
import {
  CALLER_TOOLS_HEADER,
  KNOWN_TURNS_HEADER,
  THREAD_KEY_HEADER,
  TOOL_BLOCKS_HEADER,
} from '../http/thread-headers.js';
import { IdempotencyKeyDocs, KnownTurnsDocs } from '../openapi/common.docs.js';
import { header, JsonResponseDocs, LIMIT_HEADER_DOCS, RETRY_HEADERS } from '../openapi/operation.js';
import { described, eventStream, nullable, object, oneOfTexts, ref, type Schema, TEXT } from '../openapi/schema.js';

/** The schemas that the APIs of OpenAI share in the OpenAPI document. */
export const OPENAI_SCHEMAS: Readonly<Record<string, Schema>> = {
  OpenaiError: described(
    'An error in the form of OpenAI’s APIs.',
    object({ error: object({ message: TEXT, type: TEXT, param: nullable(TEXT), code: nullable(TEXT) }) }),
  ),
};

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

/** Describes the errors of an operation of one of OpenAI's APIs: those that every operation has, and these. */
export function OpenaiErrorDocs(...statuses: readonly number[]): MethodDecorator {
  return applyDecorators(
    ...[...new Set([...ALWAYS, ...statuses])].map((status) => {
      const [code, description] = ERRORS[status] ?? [null, ''];
      const type = status < 500 ? 'invalid_request_error' : 'server_error';
      return JsonResponseDocs({
        status,
        description,
        schema: ref('OpenaiError'),
        example: { error: { message: description, type, param: null, code } },
        headers: { ...RETRY_HEADERS, ...LIMIT_HEADER_DOCS, ...THREAD_HEADERS },
      });
    }),
  );
}

/** Describes the headers of a request for an answer. */
export function RequestHeaderDocs(words: {
  readonly toolBlocks: string;
  readonly callerTools: string;
}): MethodDecorator {
  return applyDecorators(
    ApiHeader({
      name: THREAD_KEY_HEADER,
      description: 'The thread, `<source>:<id>`.',
      schema: { ...TEXT, examples: ['api:demo-1'] },
    }),
    IdempotencyKeyDocs(),
    KnownTurnsDocs(KNOWN_TURNS_HEADER),
    ApiHeader({
      name: TOOL_BLOCKS_HEADER,
      description: words.toolBlocks,
      schema: { ...oneOfTexts(...TOOL_BLOCK_SETTINGS), examples: ['text'] },
    }),
    ApiHeader({
      name: CALLER_TOOLS_HEADER,
      description: words.callerTools,
      schema: { ...oneOfTexts(...CALLER_TOOLS_POLICIES), examples: ['on'] },
    }),
  );
}

/** Describes an answer that is JSON, or a stream of events. */
export function AnswerOrStreamDocs(answer: {
  readonly description: string;
  readonly answer: ReferenceObject;
  readonly answerExample: object;
  readonly event: ReferenceObject;
  readonly eventsExample: string;
}): MethodDecorator {
  return ApiResponse({
    status: 200,
    description: answer.description,
    headers: { 'request-id': header('RequestId'), ...LIMIT_HEADER_DOCS, ...THREAD_HEADERS },
    content: {
      'application/json': { schema: answer.answer, example: answer.answerExample },
      'text/event-stream': { schema: eventStream(answer.event), example: answer.eventsExample },
    },
  });
}
