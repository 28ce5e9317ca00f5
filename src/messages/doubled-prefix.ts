import type { NextFunction, Request, Response } from 'express';

const PREFIX = '/v1';

/**
 * Express middleware that takes `/v1/v1/messages` for `/v1/messages`: what clients ask for whose base URL ends in `/v1`, as some
 * of them want it and others do not. Without it they would be told that there is no such route, and look for the mistake elsewhere.
 */
export function doubledPrefix(request: Request, _response: Response, next: NextFunction): void {
  if (request.url.startsWith(`${PREFIX}${PREFIX}/`)) request.url = request.url.slice(PREFIX.length);
  next();
}
