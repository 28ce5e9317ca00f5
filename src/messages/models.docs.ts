import { applyDecorators } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiQuery, ApiResponse, ApiTags } from '@nestjs/swagger';
import { ErrorDocs, KeyDocs } from './messages.docs.js';
import { type ModelInfo, modelInfo } from './model-info.js';

const MODEL: ModelInfo = modelInfo({
  id: 'claude-opus-5-5',
  displayName: 'Claude Opus 5.5',
  line: 'opus',
  contextTokens: 1_000_000,
  maxOutputTokens: 128_000,
  harness: 'claude-code',
  hasModel: true,
});

const MODEL_SCHEMA = { type: 'object', additionalProperties: true } as const;

/** `GET /v1/models` in the OpenAPI document. */
export function ListModelsDocs(): MethodDecorator {
  const text = { type: 'string' } as const;
  return applyDecorators(
    ApiTags('Models'),
    KeyDocs(),
    ApiOperation({
      summary: 'The models that requests can name',
      description:
        'Each harness by its own name and with its current models, and the names that the deployment configured. Other names are accepted by `POST /v1/messages` too.',
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: 1000, default: 20 },
    }),
    ApiQuery({ name: 'after_id', required: false, description: 'The page that follows this model.', schema: text }),
    ApiQuery({ name: 'before_id', required: false, description: 'The page before this model.', schema: text }),
    ApiQuery({
      name: 'lifecycle[]',
      required: false,
      description: 'Only models in these stages. All models here are active.',
      schema: { type: 'array', items: { type: 'string', enum: ['active', 'deprecated', 'retired'] } },
    }),
    ApiResponse({
      status: 200,
      description: 'A page of models.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['data', 'has_more', 'first_id', 'last_id'],
            properties: {
              data: { type: 'array', items: MODEL_SCHEMA },
              has_more: { type: 'boolean' },
              first_id: { type: 'string', nullable: true },
              last_id: { type: 'string', nullable: true },
            },
          },
          example: { data: [MODEL], has_more: false, first_id: MODEL.id, last_id: MODEL.id },
        },
      },
    }),
    ErrorDocs(400, 401),
  );
}

/** `GET /v1/models/{id}` in the OpenAPI document. */
export function RetrieveModelDocs(): MethodDecorator {
  return applyDecorators(
    ApiTags('Models'),
    KeyDocs(),
    ApiOperation({ summary: 'One model' }),
    ApiParam({ name: 'id', description: 'The name; slashes in it are percent-encoded.', schema: { type: 'string' } }),
    ApiResponse({
      status: 200,
      description: 'The model.',
      content: { 'application/json': { schema: MODEL_SCHEMA, example: MODEL } },
    }),
    ErrorDocs(401, 404),
  );
}
