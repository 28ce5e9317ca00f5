import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { JsonObject } from '../domain/harness-event.js';
import { getRequestId } from '../http/request-id.js';
import { AnthropicException } from '../anthropic/anthropic.exception.js';
import { SessionException } from './session.exception.js';

/** An error of the session API as it is told over HTTP. */
export interface SessionErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: JsonObject;
}

/** What a caller of the session API is told of anything that was thrown. Every 5xx says the same, as centaur's do. */
export function sessionErrorReply(thrown: unknown, hasKey: boolean): SessionErrorReply {
  if (thrown instanceof SessionException) return reply(thrown.status, thrown.message, thrown.details);
  if (thrown instanceof AnthropicException) {
    if (thrown.status === 401) return reply(401, hasKey ? 'invalid bearer token' : 'missing bearer token');
    // 529 is Anthropic's own; centaur's clients know 503.
    const status = thrown.status === 529 ? 503 : thrown.status;
    return { ...reply(status, thrown.message), headers: thrown.headers };
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

/** Tells every error of the session API in centaur's envelope. */
@Catch()
export class SessionErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(SessionErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    const request = http.getRequest<Request>();
    const hasKey = request.get('authorization') !== undefined || request.get('x-api-key') !== undefined;
    const { status, headers, body } = sessionErrorReply(thrown, hasKey);
    if (status === 500) {
      this.logger.error({ requestId: getRequestId(response), err: thrown }, 'a request failed inside the server');
    }
    if (response.headersSent) {
      // The status is out; only a cut connection still says that the answer is not whole.
      response.destroy();
      return;
    }
    response.status(status).set(headers).json(body);
  }
}
