import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Request, Response } from 'express';
import { speaksAnthropic } from '../http/speaks-anthropic.js';
import { sendAnthropicError } from '../messages/response/anthropic-error.filter.js';
import { beginErrorAnswer, sendError } from '../openai/errors/answer-error.js';

/** Renders every error of the Files API in the form of the API whose client asks, as its answers are. */
@Catch()
export class FilesErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(FilesErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const response = http.getResponse<Response>();
    if (speaksAnthropic(http.getRequest<Request>())) {
      sendAnthropicError(thrown, response, this.logger);
      return;
    }
    // `input` would be named by refusals of a conversation; no request here has one.
    const error = beginErrorAnswer(thrown, response, 'input', this.logger);
    if (error !== undefined) sendError(error, response);
  }
}
