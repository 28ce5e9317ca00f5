import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Metrics } from './metrics.js';

/**
 * Express middleware that counts each answer, when its connection is done with it. An answer whose caller has left before its head was sent
 * has the status 499, as nginx calls it.
 */
export function httpMetrics(metrics: Metrics): RequestHandler {
  return (request: Request, response: Response, next: NextFunction): void => {
    const startedMs = performance.now();
    // Not `once`, whose wrapper is held for as long as a stream: it is emitted once.
    response.on('close', () => {
      const status = response.headersSent ? response.statusCode : 499;
      metrics.answered({
        method: request.method,
        route: routeOf(request),
        status,
        seconds: (performance.now() - startedMs) / 1000,
        isWhole: response.writableFinished,
      });
    });
    next();
  };
}

/** The pattern of the route of a request that is being answered; paths that match none are `unmatched`, as there is no end of them. */
export function routeOf(request: Request): string {
  // Express has no type for it.
  const route: unknown = request.route;
  const path = typeof route === 'object' && route !== null && 'path' in route ? route.path : undefined;
  return typeof path === 'string' && !path.includes('*') ? path : 'unmatched';
}
