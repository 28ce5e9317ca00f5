import { type AnthropicErrorObject, type AnthropicErrorType, retryHeaders, ERROR_STATUS } from './anthropic-error.js';

/** What an {@link AnthropicException} may say besides its type and message. */
export interface AnthropicExceptionOptions {
  /** HTTP status, where it is not the usual one of the type. */
  readonly status?: number;
  /** Response headers besides those of {@link retryHeaders}, or in their place. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `error.details.error_code`, which SDKs read. */
  readonly errorCode?: string;
}

/**
 * A refusal in Anthropic's own form, with what clients need to know about retrying. Its message is
 * read by people and by clients.
 */
export class AnthropicException extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly error: AnthropicErrorObject;

  constructor(type: AnthropicErrorType, message: string, options: AnthropicExceptionOptions = {}) {
    super(message);
    this.name = 'AnthropicException';
    this.status = options.status ?? ERROR_STATUS[type];
    this.headers = { ...retryHeaders(type, options.errorCode), ...options.headers };
    this.error =
      options.errorCode === undefined
        ? { type, message }
        : { type, message, details: { error_code: options.errorCode } };
  }
}

/** An agent's failure as the answer to a request. */
export function toAnthropicException(error: AnthropicErrorObject): AnthropicException {
  const errorCode = error.details?.error_code;
  return new AnthropicException(error.type, error.message, errorCode === undefined ? {} : { errorCode });
}

/** The caller's request is wrong. */
export function badRequest(message: string): AnthropicException {
  return new AnthropicException('invalid_request_error', message);
}
