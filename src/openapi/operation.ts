// Shared parts of all operations in the OpenAPI document.
import { applyDecorators } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags, type HeaderObject, type ReferenceObject } from '@nestjs/swagger';
import { ref, type Schema, TEXT } from './schema.js';

/** The tags of operations and their descriptions. */
export const TAGS = {
  Messages: 'Anthropic’s Messages API: each request is a turn of a durable agent thread.',
  Responses: 'OpenAI’s Responses API over the same threads: each request is a turn.',
  Chat: 'OpenAI’s Chat Completions over the same threads: each request is a turn.',
  Files: 'Files that messages name by their ids, in the form of Anthropic’s Files API and of OpenAI’s.',
  Models: 'The models that requests can name.',
  Sessions: 'The same threads as sessions: start executions, read their events later, list and remove sessions.',
  Administration: 'Tenants, their keys and policies, and the audit log, for admin keys.',
  Usage: 'Tokens and cost of the turns that have ended.',
  Operations: 'For load balancers and for clients that check the address. Open to everybody.',
} as const;

/** Response headers, by their names in the components. */
export const RESPONSE_HEADERS = {
  RequestId: {
    description: 'The id of this request. It is in the server’s log.',
    schema: { ...TEXT, examples: ['req_018f3c5b7a9d1e2f40c6a8b1'] },
  },
  ThreadKey: {
    description: 'The thread that answered. Send it as `x-chiron-thread-key` to continue that thread.',
    schema: { ...TEXT, examples: ['api:demo-1'] },
  },
  History: {
    description:
      'How the history of the request was matched with its thread: `new`, the thread’s first turn; `attached`, a retry; `continued`, the agent has the conversation; `seeded`, it got the messages that it lacked; `forked`, the thread was forked where the caller took turns back; `compacted`, the caller has compacted its own copy; `lost`, the agent’s own record was gone, and the conversation seeded it again. Absent if no turn answers.',
    schema: {
      type: 'string',
      enum: ['new', 'attached', 'continued', 'seeded', 'forked', 'compacted', 'lost'],
      examples: ['continued'],
    },
  },
  RetryAfter: {
    description: 'Seconds to wait before a retry. Absent if waiting does not help.',
    schema: { type: 'integer', examples: [5] },
  },
  ShouldRetry: {
    description: '`false` if the same request would fail again. Anthropic’s SDKs then do not retry.',
    schema: { type: 'string', enum: ['false'], examples: ['false'] },
  },
  LimitOfRequests: {
    description: 'How many requests a minute the policy of the caller allows. Absent without such a limit.',
    schema: { type: 'integer', examples: [60] },
  },
  LimitOfTokens: {
    description: 'How many tokens a day the policy of the caller allows. Absent without such a limit.',
    schema: { type: 'integer', examples: [1_000_000] },
  },
  LimitRemaining: {
    description: 'How much of the limit is left.',
    schema: { type: 'integer', examples: [59] },
  },
  LimitReset: {
    description: 'When the next minute or day begins.',
    schema: { type: 'string', format: 'date-time', examples: ['2027-01-31T12:00:01Z'] },
  },
} satisfies Readonly<Record<string, HeaderObject>>;

/** Refers to a response header of the components. */
export function header(name: keyof typeof RESPONSE_HEADERS): ReferenceObject {
  return { $ref: `#/components/headers/${name}` };
}

/** The headers of every error that control retries. */
export const RETRY_HEADERS = { 'retry-after': header('RetryAfter'), 'x-should-retry': header('ShouldRetry') };

/** The headers about the limits of a caller's policy. */
export const LIMIT_HEADER_DOCS = {
  'anthropic-ratelimit-requests-limit': header('LimitOfRequests'),
  'anthropic-ratelimit-requests-remaining': header('LimitRemaining'),
  'anthropic-ratelimit-requests-reset': header('LimitReset'),
  'anthropic-ratelimit-tokens-limit': header('LimitOfTokens'),
  'anthropic-ratelimit-tokens-remaining': header('LimitRemaining'),
  'anthropic-ratelimit-tokens-reset': header('LimitReset'),
};

/** Describes one operation. Its id names the method in generated clients. */
export function OperationDocs(operation: {
  readonly id: string;
  readonly tag: keyof typeof TAGS;
  readonly summary: string;
  readonly description?: string;
  /** Whether callers without a key may call it. */
  readonly isPublic?: boolean;
}): MethodDecorator {
  const { id, tag, summary, description, isPublic = false } = operation;
  return applyDecorators(
    ApiTags(tag),
    ApiOperation({
      operationId: id,
      summary,
      ...(description === undefined ? {} : { description }),
      security: isPublic ? [] : [{ bearer: [] }, { 'x-api-key': [] }],
    }),
    // Node's HTTP server sends it before routing, so every operation has it.
    JsonResponseDocs({
      status: 431,
      description: '`invalid_request_error`: The request headers are too large.',
      schema: ref('ErrorResponse'),
      example: anthropicError('invalid_request_error', 'The request headers are too large.'),
    }),
  );
}

/** Describes a response with a JSON body. */
export function JsonResponseDocs(response: {
  readonly status?: number;
  readonly description: string;
  readonly schema: Schema;
  readonly example: unknown;
  readonly headers?: Readonly<Record<string, ReferenceObject>>;
}): MethodDecorator {
  const { status = 200, description, schema, example, headers = {} } = response;
  return ApiResponse({
    status,
    description,
    headers: { 'request-id': header('RequestId'), ...headers },
    content: { 'application/json': { schema, example } },
  });
}

/** Makes an example error in Anthropic's envelope. */
export function anthropicError(type: string, message: string): object {
  return { type: 'error', error: { type, message }, request_id: 'req_018f3c5b7a9d1e2f40c6a8b1' };
}

/** Describes an error in Anthropic's envelope. */
export function AnthropicErrorDocs(error: {
  readonly status: number;
  readonly type: string;
  readonly description: string;
  /** Besides those that control retries. */
  readonly headers?: Readonly<Record<string, ReferenceObject>>;
  readonly schema?: Schema;
}): MethodDecorator {
  const { status, type, description, headers = {}, schema = ref('ErrorResponse') } = error;
  return JsonResponseDocs({
    status,
    description: `\`${type}\`: ${description}`,
    schema,
    example: anthropicError(type, description),
    headers: { ...RETRY_HEADERS, ...headers },
  });
}
