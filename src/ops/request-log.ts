import type { NextFunction, Request, RequestHandler, Response } from 'express';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { getRequestFacts } from '../http/request-facts.js';
import { getRequestId, parseTraceId } from '../http/request-id.js';

/** Routes that are polled so often that their lines would flood the log. */
const UNLOGGED_PATHS = new Set(['/healthz', '/health', '/readyz', '/', '/api/hello']);

const requestIds = new AsyncLocalStorage<string>();

/** The id of the request in whose course this is called; `undefined` outside of requests. */
export function findCurrentRequestId(): string | undefined {
  return requestIds.getStore();
}

/** Whether a request is one of those that are polled, which would flood logs and traces. */
export function isPolled(request: Pick<IncomingMessage, 'url'>): boolean {
  return UNLOGGED_PATHS.has(request.url?.split('?')[0] ?? '');
}

/**
 * Express middleware that logs one line per request when its connection is done with it: its method, path, status, duration, id and trace id, whom it is
 * from, and its thread and turn where they are known. Other headers, bodies and queries are never logged, because they may hold keys or prompts.
 */
export function requestLog(log: Logger): RequestHandler {
  const errors = new WeakMap<Response, Error>();
  // One function for all responses: each of its own would be held for as long as its stream.
  function keepError(this: Response, error: Error): void {
    if (this.closed) log.warn({ requestId: getRequestId(this), err: error }, 'a response failed after its end');
    else errors.set(this, error);
  }
  return (request: Request, response: Response, next: NextFunction): void => {
    const startedMs = Date.now();
    response.on('close', () => {
      const error = errors.get(response);
      if (error !== undefined || !isPolled(request)) writeLine(log, request, response, startedMs, error);
    });
    response.on('error', keepError);
    requestIds.run(getRequestId(response), next);
  };
}

function writeLine(
  log: Logger,
  request: Request,
  response: Response,
  startedMs: number,
  failure: Error | undefined,
): void {
  const { statusCode: status } = response;
  const err = failure ?? (status >= 500 ? new Error(`failed with status code ${status}`) : undefined);
  const { traceparent } = request.headers;
  const traceId = typeof traceparent === 'string' ? parseTraceId(traceparent) : undefined;
  const line = {
    requestId: getRequestId(response),
    req: { method: request.method, path: request.originalUrl.split('?')[0] },
    ...(traceId === undefined ? {} : { traceId }),
    res: { status },
    ...(err === undefined ? {} : { err }),
    milliseconds: Date.now() - startedMs,
    ...getRequestFacts(request),
  };
  const isWhole = response.writableFinished || (response.writableEnded && !request.readableAborted);
  log.info(line, err === undefined ? `request ${isWhole ? 'completed' : 'aborted'}` : 'request errored');
}
