import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { Response } from 'express';
import { beginErrorAnswer, sendError } from '../../openai/errors/answer-error.js';

/** Renders every error of Chat Completions in the form of OpenAI's APIs. */
@Catch()
export class ChatErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ChatErrorFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const response = host.switchToHttp().getResponse<Response>();
    const error = beginErrorAnswer(thrown, response, 'messages', this.logger);
    if (error !== undefined) sendError(error, response);
  }
}
