import type { NextFunction, Request, Response } from 'express';
import { createRandomDigits } from '../domain/random-digits.js';
import { parseTraceparent } from '../domain/traceparent.js';

/** The header that carries a request's id, as Anthropic's does, on every response. */
export const REQUEST_ID_HEADER = 'request-id';

/** Makes a request id. */
export function createRequestId(): string {
  return `req_${createRandomDigits()}`;
}

/** Express middleware that sets the `request-id` of each response. Install it first, so that every error has the header. */
export function requestIdMiddleware(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader(REQUEST_ID_HEADER, createRequestId());
  next();
}

/** Returns the id of the request that this response answers. */
export function getRequestId(response: Response): string {
  return String(response.getHeader(REQUEST_ID_HEADER));
}

/**
 * Parses the trace id of a request: 32 hexadecimal digits. `undefined` if the `traceparent` header is missing or malformed; the
 * standard requires ignoring a malformed one.
 */
export function parseTraceId(traceparent: string | undefined): string | undefined {
  return parseTraceparent(traceparent)?.traceId;
}
