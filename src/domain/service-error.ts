import { truncateAtCodePoint } from './surrogates.js';

/** Why the server refuses a request, independent of the protocol. Each door has its own status and envelope for each kind. */
export type ServiceErrorKind =
  | 'bad_request'
  | 'unsupported_media_type'
  | 'unauthenticated'
  | 'budget_spent'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'request_timeout'
  | 'rate_limited'
  | 'overloaded'
  | 'unavailable';

/** Optional fields of a {@link ServiceError}. */
export interface ServiceErrorOptions {
  /** A stable code for programs, such as `thread_not_found`. */
  readonly code?: string;
  /** How long the caller should wait before it retries. */
  readonly retryAfterSeconds?: number;
  /** False if clients must not retry automatically although the kind is retryable. */
  readonly isRetryable?: boolean;
  /** True if the connection cannot serve another request. */
  readonly closesConnection?: boolean;
}

/**
 * A refusal with a message for the caller: what is wrong, where, and what to do. Thrown below the doors, which render it in their
 * protocol. Any other thrown error becomes an internal error without details.
 */
export class ServiceError extends Error {
  constructor(
    readonly kind: ServiceErrorKind,
    message: string,
    readonly options: ServiceErrorOptions = {},
  ) {
    super(message);
    this.name = 'ServiceError';
  }
}

/** Maximum length of a caller's text quoted in an error, in UTF-16 units: enough for a name. */
const MAX_QUOTE_CHARS = 200;

/** Truncates a caller's text for an error message. */
export function quoteForCaller(text: string): string {
  return text.length <= MAX_QUOTE_CHARS ? text : `${truncateAtCodePoint(text, MAX_QUOTE_CHARS - 1)}…`;
}
