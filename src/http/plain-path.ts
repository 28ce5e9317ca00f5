import type { NextFunction, Request, Response } from 'express';

/**
 * Express middleware that rewrites `//v1/messages`, `/v1//messages` and `/v1/v1/messages` to `/v1/messages`. Clients send these paths
 * if their base URL ends in `/` or `/v1`, which some clients require and others do not. Without it they would get a 404.
 */
export function plainPathMiddleware(request: Request, _response: Response, next: NextFunction): void {
  request.url = toPlainPath(request.url);
  next();
}

/** Collapses repeated slashes and a repeated `/v1` in a request's URL. The query stays unchanged. */
export function toPlainPath(url: string): string {
  // An absolute URL, as sent to proxies.
  if (!url.startsWith('/')) return url;
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  return path.replaceAll(/\/{2,}/g, '/').replace(/^\/v1(?=\/v1\/)/, '') + url.slice(path.length);
}
