import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { JsonObject } from '../domain/harness-event.js';
import { getRequestId } from '../http/request-id.js';
import { ServiceError } from '../domain/service-error.js';
import { SERVICE_ERROR_STATUS, toErrorHeaders } from '../http/service-error-http.js';
import { SessionException } from './session.exception.js';

/** The HTTP response of an error of the session API. */
export interface SessionErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

/** Renders anything thrown in the session API. All 5xx have the same text, as in centaur. */
export function toSessionErrorReply(thrown: unknown, hasKey: boolean): SessionErrorReply {
  if (thrown instanceof SessionException) return reply(thrown.status, thrown.message, thrown.details);
  if (thrown instanceof ServiceError) {
    if (thrown.kind === 'unauthenticated') return reply(401, hasKey ? 'invalid bearer token' : 'missing bearer token');
    return { ...reply(SERVICE_ERROR_STATUS[thrown.kind], thrown.message), headers: toErrorHeaders(thrown) };
  }
  if (thrown instanceof HttpException) return reply(thrown.getStatus(), thrown.message);
  return reply(500, '');
}

function reply(status: number, error: string, details: JsonObject = {}): SessionErrorReply {
  return {
    status,
    headers: {},
    body: { ok: false, error: status >= 500 ? 'internal server error' : error, ...details },
  };
}

/** Renders every error of the session API in centaur's envelope. */
@Catch()
export class SessionErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(SessionErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    const request = http.getRequest<Request>();
    const hasKey = request.get('authorization') !== undefined || request.get('x-api-key') !== undefined;
    const { status, headers, body } = toSessionErrorReply(thrown, hasKey);
    if (status === 500) {
      this.logger.error({ requestId: getRequestId(response), err: thrown }, 'request failed');
    }
    if (response.headersSent) {
      // The status was sent: only closing the connection can still show that the response is incomplete.
      response.destroy();
      return;
    }
    response.status(status).set(headers).json(body);
  }
}
