import type { ServiceError, ServiceErrorKind } from '../domain/service-error.js';

/** The default HTTP status of each kind of refusal; a protocol may use another. */
export const SERVICE_ERROR_STATUS: Readonly<Record<ServiceErrorKind, number>> = {
  bad_request: 400,
  unsupported_media_type: 415,
  unauthenticated: 401,
  budget_spent: 402,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  request_timeout: 408,
  rate_limited: 429,
  overloaded: 503,
  unavailable: 503,
};

/** Default `retry-after`: longer than the first backoff of the SDKs, which would retry too soon. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** Makes the headers that control retries: `retry-after`, `x-should-retry` and `connection`. */
export function toErrorHeaders({ kind, options }: ServiceError): Readonly<Record<string, string>> {
  const {
    retryAfterSeconds = defaultRetryAfter(kind),
    isRetryable = !isPermanentKind(kind),
    closesConnection,
  } = options;
  return {
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
    ...(isRetryable ? {} : { 'x-should-retry': 'false' }),
    ...(closesConnection === true ? { connection: 'close' } : {}),
  };
}

function defaultRetryAfter(kind: ServiceErrorKind): number | undefined {
  return kind === 'rate_limited' || kind === 'overloaded' ? DEFAULT_RETRY_AFTER_SECONDS : undefined;
}

/** Whether the same request would be refused again. */
function isPermanentKind(kind: ServiceErrorKind): boolean {
  switch (kind) {
    case 'bad_request':
    case 'unsupported_media_type':
    case 'unauthenticated':
    case 'budget_spent':
    case 'forbidden':
    case 'not_found':
    case 'too_large':
      return true;
    case 'conflict':
    case 'request_timeout':
    case 'rate_limited':
    case 'overloaded':
    case 'unavailable':
      return false;
    default:
      return kind satisfies never;
  }
}
