import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, getSchemaPath } from '@nestjs/swagger';
import { JsonResponseDocs, OperationDocs } from '../../openapi/operation.js';
import { INTEGER, NULL, object, TEXT } from '../../openapi/schema.js';
import { CountTokensDto } from './count-tokens.dto.js';
import { ErrorDocs } from '../../anthropic/error.docs.js';

/** `POST /v1/messages/count_tokens` in the OpenAPI document. */
export function CountTokensDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'countTokens',
      tag: 'Messages',
      summary: 'Estimate how many tokens a request has',
      description:
        'Estimates the tokens of system prompt, tools and messages with a public tokenizer, and of images and PDFs by their size. No model is called and no thread changes. Actual counts differ by a few percent; those of a turn are in its `usage`.',
    }),
    ApiExtraModels(CountTokensDto),
    ApiHeader({
      name: 'anthropic-beta',
      description: 'With any beta, the response has `context_management`.',
      schema: { ...TEXT, examples: ['token-counting-2024-11-01'] },
    }),
    ApiBody({
      schema: { $ref: getSchemaPath(CountTokensDto) },
      examples: {
        short: {
          summary: 'One message',
          value: { model: 'claude-opus-5-5', messages: [{ role: 'user', content: 'Which files are here?' }] },
        },
      },
    }),
    JsonResponseDocs({
      description: 'The estimate. Only beta requests get `context_management`.',
      schema: object({ input_tokens: INTEGER }, { context_management: NULL }),
      example: { input_tokens: 12 },
    }),
    ErrorDocs([400, 413, 415]),
  );
}
