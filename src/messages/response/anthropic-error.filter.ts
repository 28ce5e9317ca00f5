import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Logger } from '@nestjs/common';
import type { Response } from 'express';
import type { AnthropicErrorObject } from '../../anthropic/anthropic-error.js';
import { AnthropicException } from '../../anthropic/anthropic.exception.js';
import { getRequestId } from '../../http/request-id.js';

/** An error as it is told over HTTP. */
export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly error: AnthropicErrorObject;
}

/** What a caller is told of anything that was thrown. Tells no internals: what is not meant for callers becomes a 500. */
export function errorReply(thrown: unknown): ErrorReply {
  if (thrown instanceof AnthropicException) return thrown;
  if (thrown instanceof HttpException && thrown.getStatus() === 404) {
    return new AnthropicException('not_found_error', 'There is no such route.');
  }
  if (thrown instanceof HttpException && thrown.getStatus() === 400) {
    // Nest's own, and its message quotes the path; every other refusal is an AnthropicException.
    return new AnthropicException('invalid_request_error', 'The path of the request cannot be decoded.');
  }
  if (thrown instanceof HttpException && thrown.getStatus() < 500) {
    return new AnthropicException('invalid_request_error', thrown.message, { status: thrown.getStatus() });
  }
  return { status: 500, headers: {}, error: { type: 'api_error', message: 'Internal server error' } };
}

/** Anthropic's envelope around an error. */
export function errorEnvelope(error: AnthropicErrorObject, requestId: string): string {
  return JSON.stringify({ type: 'error', error, request_id: requestId });
}

/** Tells every error in Anthropic's own form, with the request's id. */
@Catch()
export class AnthropicErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(AnthropicErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const { status, headers, error } = errorReply(thrown);
    const requestId = getRequestId(response);
    if (status >= 500 && !(thrown instanceof AnthropicException)) {
      this.logger.error({ requestId, err: thrown }, 'a request failed inside the server');
    }
    if (response.headersSent) {
      // The status is out; only a cut connection still says that the answer is not whole.
      response.destroy();
      return;
    }
    response
      .status(status)
      .set({ ...headers, 'content-type': 'application/json' })
      // Bytes: Node would write a string and the headers together as UTF-8, and a thread's key may have more than ASCII.
      .send(Buffer.from(errorEnvelope(error, requestId)));
  }
}
