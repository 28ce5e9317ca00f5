import type { NextFunction, Request, Response } from 'express';
import { randomBytes } from 'node:crypto';

/** The header that carries a request's id, as Anthropic's does, on every response. */
export const REQUEST_ID_HEADER = 'request-id';

/** Makes a request id. */
export function createRequestId(): string {
  return `req_${randomBytes(12).toString('hex')}`;
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

/** `traceparent` of version 00; later versions may append fields after a dash. [W3C Trace Context, 3.2] */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-|$)/;

/**
 * Parses the trace id of a request: 32 hexadecimal digits. `undefined` if the `traceparent` header is missing or malformed; the
 * standard requires ignoring a malformed one.
 */
export function parseTraceId(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1];
}
