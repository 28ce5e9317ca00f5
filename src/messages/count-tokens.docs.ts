import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiOperation, ApiResponse, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { CountTokensDto } from './dto/count-tokens.dto.js';
import { ErrorDocs, KeyDocs } from './messages.docs.js';

/** `POST /v1/messages/count_tokens` in the OpenAPI document. */
export function CountTokensDocs(): MethodDecorator {
  return applyDecorators(
    ApiTags('Messages'),
    KeyDocs(),
    ApiExtraModels(CountTokensDto),
    ApiOperation({
      summary: 'Estimate how many tokens a request has',
      description:
        'Counts system prompt, tools and messages here, with a public tokenizer; pictures and PDFs by their size. No model is asked, no thread is touched. Real counts differ by some percent; those of a turn are in its `usage`.',
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
    ApiResponse({
      status: 200,
      description: 'The estimate. `context_management` is there for beta requests only.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['input_tokens'],
            properties: {
              input_tokens: { type: 'integer' },
              context_management: { type: 'object', nullable: true },
            },
          },
          example: { input_tokens: 12 },
        },
      },
    }),
    ErrorDocs(400, 401, 413, 500),
  );
}
