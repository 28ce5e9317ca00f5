import { isPermanentFailure } from '../domain/failure.js';
import type { FailureKind } from '../domain/harness-event.js';

/** Anthropic's error types and their HTTP statuses (Messages API, "Errors"). */
export const ERROR_STATUS = {
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
export type AnthropicErrorType = keyof typeof ERROR_STATUS;

/**
 * The error type of each kind of failure. `context_too_long` is a bad request whose message contains "prompt is too long":
 * Claude Code matches on these words and compacts. A problem with the agent's own account is an `api_error`: on a 401, callers would
 * suspect their own key, and Claude Code would ask its user to log in.
 */
const FAILURE_ERRORS: Readonly<Record<FailureKind, AnthropicErrorType>> = {
  bad_request: 'invalid_request_error',
  context_too_long: 'invalid_request_error',
  authentication: 'api_error',
  billing: 'api_error',
  permission: 'api_error',
  not_found: 'not_found_error',
  rate_limit: 'rate_limit_error',
  overloaded: 'overloaded_error',
  timeout: 'timeout_error',
  process_died: 'api_error',
  not_started: 'api_error',
  limit_exceeded: 'api_error',
  internal: 'api_error',
};

/** `error.details.error_code` of errors that only the administrator of this server can fix. */
export const AGENT_UNAVAILABLE = 'agent_unavailable';

/** `error.details.error_code` of a turn whose agent was stopped at a limit of the deployment. */
export const AGENT_LIMIT = 'agent_limit_exceeded';

/** Converts an agent's failure to the error that the caller gets. */
export function toAnthropicError({
  kind,
  message,
}: {
  readonly kind: FailureKind;
  readonly message: string;
}): AnthropicErrorObject {
  const type = FAILURE_ERRORS[kind];
  if (kind === 'context_too_long') return { type, message: toTooLongMessage(message) };
  if (type !== 'api_error' || !isPermanentFailure(kind)) return { type, message };
  return { type, message, details: { error_code: kind === 'limit_exceeded' ? AGENT_LIMIT : AGENT_UNAVAILABLE } };
}

const TOO_LONG = 'prompt is too long';

/** Claude Code compacts when it finds these words, so the message must contain them, in the API's lower case. */
function toTooLongMessage(message: string): string {
  const worded = message.replace(/prompt is too long/i, TOO_LONG);
  return worded.includes(TOO_LONG) ? worded : `${TOO_LONG}: ${worded}`;
}

/** The headers that control a client's retries: the seconds to wait, or that it must not retry. */
export function toRetryHeaders(type: AnthropicErrorType, errorCode?: string): Readonly<Record<string, string>> {
  if (errorCode === AGENT_UNAVAILABLE || errorCode === AGENT_LIMIT) return { 'x-should-retry': 'false' };
  switch (type) {
    case 'rate_limit_error':
    case 'overloaded_error':
      // Longer than the first backoff of clients, because the agent has already retried.
      return { 'retry-after': '5' };
    case 'authentication_error':
    case 'billing_error':
    case 'permission_error':
    case 'invalid_request_error':
    case 'not_found_error':
    case 'request_too_large':
      return { 'x-should-retry': 'false' };
    case 'conflict_error':
    case 'api_error':
    case 'timeout_error':
      return {};
    default:
      return type satisfies never;
  }
}

/** The error object inside Anthropic's envelope, both over HTTP and in a stream. */
export interface AnthropicErrorObject {
  readonly type: AnthropicErrorType;
  readonly message: string;
  readonly details?: { readonly error_code: string } | undefined;
}
