import { type AnthropicErrorObject, type AnthropicErrorType, toRetryHeaders, ERROR_STATUS } from './anthropic-error.js';

/** Optional fields of an {@link AnthropicException}. */
export interface AnthropicExceptionOptions {
  /** HTTP status, if it differs from the default of the type. */
  readonly status?: number;
  /** Response headers that extend or override those of {@link toRetryHeaders}. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `error.details.error_code`, which SDKs read. */
  readonly errorCode?: string;
}

/**
 * A refusal in Anthropic's form, with the headers that control retries. Both people and clients read
 * its message.
 */
export class AnthropicException extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly error: AnthropicErrorObject;

  constructor(type: AnthropicErrorType, message: string, options: AnthropicExceptionOptions = {}) {
    super(message);
    this.name = 'AnthropicException';
    this.status = options.status ?? ERROR_STATUS[type];
    this.headers = { ...toRetryHeaders(type, options.errorCode), ...options.headers };
    this.error =
      options.errorCode === undefined
        ? { type, message }
        : { type, message, details: { error_code: options.errorCode } };
  }
}

/** Wraps an agent's failure as the response to a request. */
export function toAnthropicException(error: AnthropicErrorObject): AnthropicException {
  const errorCode = error.details?.error_code;
  return new AnthropicException(error.type, error.message, errorCode === undefined ? {} : { errorCode });
}

/** Makes a 400 `invalid_request_error`. */
export function badRequest(message: string): AnthropicException {
  return new AnthropicException('invalid_request_error', message);
}
