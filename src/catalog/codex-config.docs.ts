import { applyDecorators } from '@nestjs/common';
import { ApiQuery, ApiResponse } from '@nestjs/swagger';
import { ErrorDocs } from '../anthropic/error.docs.js';
import { header, JsonResponseDocs, OperationDocs } from '../openapi/operation.js';
import { ANY_OBJECT, list, object, oneOfTexts, TEXT } from '../openapi/schema.js';

/** `GET /codex/config` in the OpenAPI document. */
export function CodexConfigDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getCodexConfig',
      tag: 'Models',
      summary: 'Get the configuration of a Codex for this server',
      description: 'A shell script that writes it into a home of its own for Codex, or the file alone. It has no key.',
    }),
    ApiQuery({
      name: 'model',
      required: false,
      description: 'The model of the configuration.',
      schema: { ...TEXT, examples: ['claude-code'] },
    }),
    ApiQuery({
      name: 'file',
      required: false,
      description: 'Only this file.',
      schema: { ...oneOfTexts('config.toml'), examples: ['config.toml'] },
    }),
    ApiResponse({
      status: 200,
      description: 'The script, or the file.',
      headers: { 'request-id': header('RequestId') },
      content: {
        'text/x-shellscript': { schema: TEXT, example: 'set -e\n' },
        'application/toml': { schema: TEXT, example: 'model_provider = "chiron"\n' },
      },
    }),
    ErrorDocs([400]),
  );
}

/** `GET /codex/models.json` in the OpenAPI document. */
export function CodexModelsDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getCodexModels',
      tag: 'Models',
      summary: 'List the models as the catalogue of Codex',
      description: 'For `model_catalog_json` in Codex’s configuration.',
    }),
    JsonResponseDocs({
      description: 'The catalogue.',
      schema: object({ models: list(ANY_OBJECT) }),
      example: { models: [{ slug: 'claude-code', display_name: 'Claude Code' }] },
    }),
    ErrorDocs([400]),
  );
}
