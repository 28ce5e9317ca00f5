import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { getRequestId } from '../../http/request-id.js';
import { encodeSseFrame, SSE_HEADERS } from '../../http/server-sent-events.js';
import { detectResponsesClient } from '../clients/detect-responses-client.js';
import { beginErrorAnswer, sendError } from '../../openai/errors/answer-error.js';
import { type OpenaiErrorCode, type OpenaiFailure, RETRY_AFTER_SECONDS } from '../../openai/errors/failure-form.js';
import type { OpenaiException } from '../../openai/errors/openai.exception.js';

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
    const error = beginErrorAnswer(thrown, response, 'input', this.logger);
    if (error === undefined) return;
    if (mustStream(request, error)) {
      response.writeHead(200, SSE_HEADERS).end(toFailedStream(getRequestId(response), error));
    } else {
      sendError(error, response);
    }
  }
}

/** Whether the sender of a request would repeat it too often if it got the status. */
function mustStream(request: Request, { status, headers }: OpenaiException): boolean {
  if (request.method !== 'POST' || QUIET_STATUSES.includes(status)) return false;
  if (!detectResponsesClient((name) => request.get(name)).needsFailuresInStream) return false;
  // With the header, it waits that long.
  return status !== 429 || headers['retry-after'] === undefined;
}

function toFailedStream(requestId: string, error: OpenaiException): string {
  const id = requestId.replace(/^req_/, 'resp_');
  const facts = { id, object: 'response', created_at: Math.floor(Date.now() / 1000), model: '', output: [] };
  const created = { ...facts, status: 'in_progress', error: null };
  const failed = { ...facts, status: 'failed', error: toStreamedRefusal(error) };
  return (
    encodeSseFrame('response.created', { type: 'response.created', sequence_number: 0, response: created }) +
    encodeSseFrame('response.failed', { type: 'response.failed', sequence_number: 1, response: failed })
  );
}

/** Makes the failed response that tells a refusal to a client that must not get its status. */
function toStreamedRefusal({ status, body, headers }: OpenaiException): OpenaiFailure {
  const { message } = body;
  const code = toStreamedCode(status, body.code);
  const seconds = headers['retry-after'] ?? String(RETRY_AFTER_SECONDS);
  return { code, message: code === 'rate_limit_exceeded' ? `${message} Please try again in ${seconds}s.` : message };
}

/** Those that pass become `rate_limit_exceeded`: Codex then waits as the message says, up to five times. [Codex 0.169.0] */
function toStreamedCode(status: number, code: string | null): OpenaiErrorCode {
  if (code === 'insufficient_quota' || code === 'server_is_overloaded') return code;
  if (code === 'conflict' || status === 408 || status === 429 || status === 503) return 'rate_limit_exceeded';
  return status < 500 ? 'invalid_prompt' : 'server_error';
}
