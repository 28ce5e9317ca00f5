import type { NextFunction, Request, Response } from 'express';
import { randomBytes } from 'node:crypto';

/** The header that carries a request's id, as Anthropic's does, on every response. */
export const REQUEST_ID_HEADER = 'request-id';

/** A new request id. */
export function newRequestId(): string {
  return `req_${randomBytes(12).toString('hex')}`;
}

/** Express middleware that gives each response its `request-id`; to be the first one, so that every error has it too. */
export function requestIdMiddleware(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader(REQUEST_ID_HEADER, newRequestId());
  next();
}

/** The id of the request that this response answers. */
export function getRequestId(response: Response): string {
  return String(response.getHeader(REQUEST_ID_HEADER));
}

/** `traceparent` of version 00; later versions may have more behind a dash. [W3C Trace Context, 3.2] */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-|$)/;

/**
 * The trace that a caller's request is part of: 32 hexadecimal digits, or `undefined` without a `traceparent` header, or with a
 * malformed one, which the standard asks to ignore.
 */
export function parseTraceId(traceparent: string | undefined): string | undefined {
  return traceparent === undefined ? undefined : TRACEPARENT.exec(traceparent)?.[1];
}
