import { HttpException } from '@nestjs/common';
import { AnthropicException } from '../../anthropic/anthropic.exception.js';
import type { AnthropicErrorObject, AnthropicErrorType } from '../../anthropic/anthropic-error.js';
import { ServiceError, type ServiceErrorKind } from '../../domain/service-error.js';
import { SERVICE_ERROR_STATUS, toErrorHeaders } from '../../http/service-error-http.js';

/** An error as an HTTP response. */
export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly error: AnthropicErrorObject;
}

/** Anthropic's error type for each kind of refusal. */
const ERROR_TYPE: Readonly<Record<ServiceErrorKind, AnthropicErrorType>> = {
  bad_request: 'invalid_request_error',
  unsupported_media_type: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  budget_spent: 'billing_error',
  forbidden: 'permission_error',
  not_found: 'not_found_error',
  conflict: 'conflict_error',
  too_large: 'request_too_large',
  request_timeout: 'timeout_error',
  rate_limited: 'rate_limit_error',
  overloaded: 'overloaded_error',
  unavailable: 'api_error',
};

/** Renders a thrown value for a caller of the Messages API. Errors that are not meant for callers become a 500 without details. */
export function toErrorReply(thrown: unknown): ErrorReply {
  if (thrown instanceof AnthropicException) return thrown;
  if (thrown instanceof ServiceError) return toAnthropicRefusal(thrown);
  if (thrown instanceof HttpException && thrown.getStatus() === 404) {
    return new AnthropicException('not_found_error', 'There is no such route.');
  }
  if (thrown instanceof HttpException && thrown.getStatus() === 400) {
    // Thrown by Nest, whose message quotes the path. All other refusals are of the two types above.
    return new AnthropicException('invalid_request_error', 'The path of the request cannot be decoded.');
  }
  if (thrown instanceof HttpException && thrown.getStatus() < 500) {
    return new AnthropicException('invalid_request_error', thrown.message, { status: thrown.getStatus() });
  }
  return { status: 500, headers: {}, error: { type: 'api_error', message: 'Internal server error' } };
}

/** Renders an error in Anthropic's envelope, as JSON. */
export function encodeErrorEnvelope(error: AnthropicErrorObject, requestId: string): string {
  return JSON.stringify({ type: 'error', error, request_id: requestId });
}

/** Converts a refusal. Anthropic's status for an overloaded server is 529; other kinds have the default status. */
function toAnthropicRefusal(refusal: ServiceError): AnthropicException {
  const { kind, message, options } = refusal;
  return new AnthropicException(ERROR_TYPE[kind], message, {
    status: kind === 'overloaded' ? 529 : SERVICE_ERROR_STATUS[kind],
    headers: toErrorHeaders(refusal),
    ...(options.code === undefined ? {} : { errorCode: options.code }),
  });
}
