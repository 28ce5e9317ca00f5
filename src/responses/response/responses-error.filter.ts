import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { ServiceError } from '../../domain/service-error.js';
import { getRequestId } from '../../http/request-id.js';
import { encodeSseFrame, SSE_HEADERS } from '../../http/server-sent-events.js';
import { detectResponsesClient } from '../clients/detect-responses-client.js';
import { toResponsesException, toStreamedRefusal } from './responses-error.js';
import { ResponsesException } from './responses.exception.js';

/** What Codex repeats only as often as it should. [Codex 0.169.0] */
const QUIET_STATUSES: readonly number[] = [400, 401];

/** Renders every error of the Responses API in its form. */
@Catch()
export class ResponsesErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ResponsesErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    const request = http.getRequest<Request>();
    const error = toResponsesException(thrown);
    const requestId = getRequestId(response);
    if (error.status >= 500 && !(thrown instanceof ResponsesException || thrown instanceof ServiceError)) {
      this.logger.error({ requestId, err: thrown }, 'request failed');
    }
    if (response.headersSent) {
      // The status is already sent: only closing the connection shows that the response is incomplete.
      response.destroy();
      return;
    }
    response.setHeader('x-request-id', requestId);
    if (mustStream(request, error)) {
      response.writeHead(200, SSE_HEADERS).end(toFailedStream(requestId, error));
      return;
    }
    response
      .status(error.status)
      .set({ ...error.headers, 'content-type': 'application/json' })
      .send(Buffer.from(JSON.stringify({ error: error.body })));
  }
}

/** Whether the sender of a request would repeat it too often if it got the status. */
function mustStream(request: Request, { status, headers }: ResponsesException): boolean {
  if (request.method !== 'POST' || QUIET_STATUSES.includes(status)) return false;
  if (!detectResponsesClient((name) => request.get(name)).needsFailuresInStream) return false;
  // With the header, it waits that long.
  return status !== 429 || headers['retry-after'] === undefined;
}

function toFailedStream(requestId: string, error: ResponsesException): string {
  const id = requestId.replace(/^req_/, 'resp_');
  const facts = { id, object: 'response', created_at: Math.floor(Date.now() / 1000), model: '', output: [] };
  const created = { ...facts, status: 'in_progress', error: null };
  const failed = { ...facts, status: 'failed', error: toStreamedRefusal(error) };
  return (
    encodeSseFrame('response.created', { type: 'response.created', sequence_number: 0, response: created }) +
    encodeSseFrame('response.failed', { type: 'response.failed', sequence_number: 1, response: failed })
  );
}
