import { ServiceError } from '../domain/service-error.js';

/** Maximum length of an idempotency key, in characters. */
const MAX_IDEMPOTENCY_KEY = 256;

/** Checks the header `idempotency-key`, if the request has one. @throws ServiceError (`bad_request`) for one that is blank or too long. */
export function readIdempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '' || header.length > MAX_IDEMPOTENCY_KEY) {
    throw new ServiceError('bad_request', `idempotency-key must have 1 to ${MAX_IDEMPOTENCY_KEY} characters`);
  }
  return header;
}
