import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { AnthropicException } from '../../anthropic/anthropic.exception.js';
import { ServiceError } from '../../domain/service-error.js';
import { getRequestId } from '../../http/request-id.js';
import { encodeErrorEnvelope, toErrorReply } from './error-reply.js';

/** Renders every error in Anthropic's envelope, with the request's id. Also covers unknown routes. */
@Catch()
export class AnthropicErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(AnthropicErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    sendAnthropicError(thrown, host.switchToHttp().getResponse<Response>(), this.logger);
  }
}

/** Answers with a thrown value in Anthropic's envelope, or cuts an answer that has begun. Logs what is not meant for callers. */
export function sendAnthropicError(thrown: unknown, response: Response, logger: Logger): void {
  const { status, headers, error } = toErrorReply(thrown);
  const requestId = getRequestId(response);
  if (status >= 500 && !(thrown instanceof AnthropicException || thrown instanceof ServiceError)) {
    logger.error({ requestId, err: thrown }, 'request failed');
  }
  if (response.headersSent) {
    // The status is already sent: only closing the connection shows that the response is incomplete.
    response.destroy();
    return;
  }
  response
    .status(status)
    .set({ ...headers, 'content-type': 'application/json' })
    // As bytes: Node would encode a string together with the headers as UTF-8, and a thread key may have non-ASCII characters.
    .send(Buffer.from(encodeErrorEnvelope(error, requestId)));
}
