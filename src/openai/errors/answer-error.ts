import type { Logger } from '@nestjs/common';
import type { Response } from 'express';
import { ServiceError } from '../../domain/service-error.js';
import { getRequestId } from '../../http/request-id.js';
import { type InputField, toOpenaiException } from './openai-error.js';
import { OpenaiException } from './openai.exception.js';

/**
 * Returns the error that a caller gets for a thrown value, once the response has the headers of every error; `undefined` if the answer has
 * begun: its connection is then cut. Logs what is not meant for callers.
 */
export function beginErrorAnswer(
  thrown: unknown,
  response: Response,
  inputField: InputField,
  logger: Logger,
): OpenaiException | undefined {
  const error = toOpenaiException(thrown, inputField);
  const requestId = getRequestId(response);
  if (error.status >= 500 && !(thrown instanceof OpenaiException || thrown instanceof ServiceError)) {
    logger.error({ requestId, err: thrown }, 'request failed');
  }
  if (response.headersSent) {
    // The status is already sent: only closing the connection shows that the response is incomplete.
    response.destroy();
    return undefined;
  }
  response.setHeader('x-request-id', requestId);
  return error;
}

/** Answers with an error as JSON. */
export function sendError({ status, headers, body }: OpenaiException, response: Response): void {
  response
    .status(status)
    .set({ ...headers, 'content-type': 'application/json' })
    .send(Buffer.from(JSON.stringify({ error: body })));
}
