import type { NextFunction, Request, Response } from 'express';

/**
 * Express middleware that takes `//v1/messages`, `/v1//messages` and `/v1/v1/messages` for `/v1/messages`: what clients ask for whose
 * base URL ends in `/` or in `/v1`, as some of them want it and others do not. Without it they would get a 404 for that
 * route, and look for the mistake elsewhere.
 */
export function plainPath(request: Request, _response: Response, next: NextFunction): void {
  request.url = plain(request.url);
  next();
}

/** The URL of a request with one slash where there are several, and one `/v1` where there are two; its query stays as it is. */
export function plain(url: string): string {
  // A URL with a host, as proxies get it.
  if (!url.startsWith('/')) return url;
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  return path.replaceAll(/\/{2,}/g, '/').replace(/^\/v1(?=\/v1\/)/, '') + url.slice(path.length);
}
