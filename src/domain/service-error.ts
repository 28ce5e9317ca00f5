import { truncateAtCodePoint } from './well-formed.js';

/** Why the server refuses a request, whichever protocol it came by. Each door has its own status and envelope for each kind. */
export type ServiceErrorKind =
  | 'bad_request'
  | 'unsupported_media_type'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'conflict'
  | 'too_large'
  | 'request_timeout'
  | 'rate_limited'
  | 'overloaded'
  | 'unavailable';

/** What a {@link ServiceError} may say besides its kind and message. */
export interface ServiceErrorOptions {
  /** A stable code for programs, such as `thread_not_found`. */
  readonly code?: string;
  /** How long the caller should wait before it tries again. */
  readonly retryAfterSeconds?: number;
  /** False when clients must not retry by themselves, although the kind says that they may. */
  readonly isRetryable?: boolean;
  /** True when the connection cannot be used for another request. */
  readonly closesConnection?: boolean;
}

/**
 * A refusal that any caller may read: what is wrong, where, and what to do. Thrown below the doors, which render it in their own
 * protocol. Nothing else that is thrown reaches a caller: it becomes an internal error.
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

/** Longest part of a caller's own text that an error repeats, in UTF-16 units: a name, not a whole request. */
const MAX_QUOTE_CHARS = 200;

/** A caller's text, cut so that it can be part of an error message. */
export function quoteForCaller(text: string): string {
  return text.length <= MAX_QUOTE_CHARS ? text : `${truncateAtCodePoint(text, MAX_QUOTE_CHARS - 1)}…`;
}
