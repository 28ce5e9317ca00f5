import type { NextFunction, Request, Response } from 'express';
import { randomBytes } from 'node:crypto';

/** The header that carries a request's id, as Anthropic's does, on every response. */
export const REQUEST_ID_HEADER = 'request-id';

/** A new request id. */
export function newRequestId(): string {
  return `req_${randomBytes(12).toString('hex')}`;
}

/** Express middleware that gives each response its `request-id`; to be the first one, so that every error has it too. */
export function requestId(_request: Request, response: Response, next: NextFunction): void {
  response.setHeader(REQUEST_ID_HEADER, newRequestId());
  next();
}

/** The id of the request that this response answers. */
export function requestIdOf(response: Response): string {
  return String(response.getHeader(REQUEST_ID_HEADER));
}
