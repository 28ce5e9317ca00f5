import { applyDecorators } from '@nestjs/common';
import { ApiParam, ApiQuery, type SchemaObject } from '@nestjs/swagger';
import { JsonResponseDocs, OperationDocs } from '../openapi/operation.js';
import {
  ANY_OBJECT,
  BOOLEAN,
  described,
  INTEGER,
  list,
  NULL,
  nullable,
  object,
  oneOfTexts,
  ref,
  type Schema,
  TEXT,
  TIME,
} from '../openapi/schema.js';
import { ErrorDocs } from '../anthropic/error.docs.js';
import { MAX_LIMIT } from './model-page.js';
import { type ModelInfo, toModelInfo } from './to-model-info.js';

const MODEL: ModelInfo = toModelInfo({
  id: 'claude-opus-5-5',
  displayName: 'Claude Opus 5.5',
  line: 'opus',
  contextTokens: 1_000_000,
  maxOutputTokens: 128_000,
  releasedOn: '2026-09-22',
  harness: 'claude-code',
  hasModel: true,
});

/** Makes the schema of a capability and its parts from an example. */
function schemaOfCapabilities(value: object): SchemaObject {
  const properties = Object.entries(value).map(([name, part]: [string, unknown]) => [
    name,
    typeof part === 'object' && part !== null ? schemaOfCapabilities(part) : BOOLEAN,
  ]);
  return object(Object.fromEntries(properties));
}

/** The component schemas of the responses of the Models API. */
export const MODEL_SCHEMAS: Readonly<Record<string, Schema>> = {
  Model: object(
    {
      type: oneOfTexts('model'),
      id: TEXT,
      display_name: TEXT,
      created_at: described(
        'When the model was released. A name that is not a single model has the date of this server’s first version.',
        TIME,
      ),
      lifecycle: oneOfTexts('active'),
      line: described('`haiku`, `sonnet`, `opus`, …; `null` for models of others.', nullable(TEXT)),
      deprecated_at: NULL,
      retires_at: NULL,
      max_input_tokens: nullable(INTEGER),
      max_tokens: nullable(INTEGER),
      capabilities: ref('ModelCapabilities'),
    },
    { object: oneOfTexts('model'), created: INTEGER, owned_by: TEXT },
  ),
  ModelCapabilities: described('What the model can do through this server.', schemaOfCapabilities(MODEL.capabilities)),
};
/** `GET /v1/models` in the OpenAPI document. */
export function ListModelsDocs(): MethodDecorator {
  const cursor = { ...TEXT, examples: [MODEL.id] };
  return applyDecorators(
    OperationDocs({
      id: 'listModels',
      tag: 'Models',
      summary: 'List the models that requests can name',
      description:
        'Each harness by its own name and with its current models, and the names that the deployment configured. `POST /v1/messages` accepts other names, too.',
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      description: 'The length of the page.',
      schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: 20 },
    }),
    ApiQuery({ name: 'after_id', required: false, description: 'The page that follows this model.', schema: cursor }),
    ApiQuery({ name: 'before_id', required: false, description: 'The page before this model.', schema: cursor }),
    ApiQuery({
      name: 'lifecycle[]',
      required: false,
      description: 'Only models in these stages. All models here are active.',
      schema: list({ ...oneOfTexts('active', 'deprecated', 'retired'), examples: ['active'] }),
    }),
    JsonResponseDocs({
      description:
        'A page of models. A request with `client_version`, which Codex sends, gets its catalogue instead: `models` alone.',
      // One form: with a second one, generated clients would have to ask which of them they got.
      schema: object(
        {
          data: list(ref('Model')),
          has_more: BOOLEAN,
          first_id: nullable(TEXT),
          last_id: nullable(TEXT),
        },
        { object: oneOfTexts('list'), models: list(ANY_OBJECT) },
      ),
      example: { data: [MODEL], has_more: false, first_id: MODEL.id, last_id: MODEL.id },
    }),
    ErrorDocs([400]),
  );
}

/** `GET /v1/models/{id}` in the OpenAPI document. */
export function GetModelDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({ id: 'getModel', tag: 'Models', summary: 'Get one model' }),
    ApiParam({
      name: 'id',
      description: 'The name of the model, with percent-encoded slashes.',
      schema: { ...TEXT, examples: [MODEL.id] },
    }),
    JsonResponseDocs({ description: 'The model.', schema: ref('Model'), example: MODEL }),
    ErrorDocs([400, 404]),
  );
}
