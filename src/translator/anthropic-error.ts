import type { FailureKind } from '../harness/harness-event.js';

/** Anthropic's error types, each with the HTTP status it goes with (Messages API, "Errors"). */
export const STATUS_OF_ERROR = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
} as const;

/** One of Anthropic's error types. */
export type AnthropicErrorType = keyof typeof STATUS_OF_ERROR;

/**
 * How each kind of failure is told to a caller. `context_too_long` is a bad request whose message says "prompt is too long":
 * Claude Code matches on these words and compacts.
 */
export const ERROR_OF_FAILURE: Readonly<Record<FailureKind, AnthropicErrorType>> = {
  bad_request: 'invalid_request_error',
  context_too_long: 'invalid_request_error',
  authentication: 'authentication_error',
  billing: 'billing_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  rate_limit: 'rate_limit_error',
  overloaded: 'overloaded_error',
  timeout: 'timeout_error',
  process_died: 'api_error',
  internal: 'api_error',
};

/** The error object inside Anthropic's envelope, over HTTP and in a stream alike. */
export interface AnthropicErrorObject {
  readonly type: AnthropicErrorType;
  readonly message: string;
  readonly details?: { readonly error_code: string } | undefined;
}
