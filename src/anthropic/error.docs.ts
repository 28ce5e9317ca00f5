import { applyDecorators } from '@nestjs/common';
import type { ReferenceObject } from '@nestjs/swagger';
import { AnthropicErrorDocs } from '../openapi/operation.js';
import { ref, type Schema } from '../openapi/schema.js';
import type { AnthropicErrorType } from './anthropic-error.js';

const ERRORS = {
  400: [
    'invalid_request_error',
    'The request is malformed, has no user message to answer, or continues a message that was already continued.',
  ],
  401: ['authentication_error', 'The key or token is missing or wrong.'],
  402: ['billing_error', 'The money that a policy allows is spent.'],
  403: [
    'permission_error',
    'A policy does not allow it; or no API keys are configured, so that only requests from the server’s machine are accepted; or the token names no tenant.',
  ],
  404: ['not_found_error', 'No model, message or file has this name.'],
  409: ['conflict_error', 'The thread is busy and the deployment does not queue.'],
  413: ['request_too_large', 'The body is larger than 32 MB, or the file than this server takes.'],
  415: ['invalid_request_error', 'The `content-type` or `content-encoding` of the body is not supported.'],
  429: [
    'rate_limit_error',
    'The caller is at a limit of its policy, the agent’s model provider limits its rate, or too many requests had a wrong key.',
  ],
  500: [
    'api_error',
    'The agent or the server failed. With the code agent_unavailable only the administrator of the server can help; with agent_limit_exceeded the agent was stopped at a limit of the deployment.',
  ],
  503: ['api_error', 'The server is restarting, or cannot check keys or tokens now.'],
  504: ['timeout_error', 'The turn is still running. Retry the same request to keep waiting for its result.'],
  529: [
    'overloaded_error',
    'Too many turns are waiting, the disk of the server is almost full, or the agent’s model provider is overloaded.',
  ],
} as const satisfies Readonly<Record<number, readonly [AnthropicErrorType, string]>>;

/** Statuses that every operation with API keys can return. */
const ALWAYS: readonly ErrorStatus[] = [401, 403, 429, 500, 503];

/** Statuses of errors in Anthropic's envelope. */
export type ErrorStatus = keyof typeof ERRORS;

/**
 * Describes the errors of an operation: these statuses and those of every operation with API keys.
 *
 * @param schema of their bodies, where some callers get another form
 */
export function ErrorDocs(
  statuses: readonly ErrorStatus[],
  headers: Readonly<Record<string, ReferenceObject>> = {},
  schema: Schema = ref('ErrorResponse'),
): MethodDecorator {
  return applyDecorators(
    ...[...new Set([...ALWAYS, ...statuses])].map((status) => {
      const [type, description] = ERRORS[status];
      return AnthropicErrorDocs({ status, type, description, headers, schema });
    }),
  );
}
