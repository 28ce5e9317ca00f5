import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { AppConfig } from '../config/app-config.js';
import { HarnessRegistry } from '../harness/harness.registry.js';
import { ADMIN_SCHEMAS } from '../admin/admin-docs.js';
import { NODE_SCHEMAS } from '../admin/nodes.docs.js';
import { MODEL_SCHEMAS } from '../catalog/models.docs.js';
import { CHAT_SCHEMAS } from '../chat/wire/schemas.js';
import { OPENAI_SCHEMAS } from '../openai/openai.docs.js';
import { RESPONSES_SCHEMAS } from '../responses/wire/schemas.js';
import { RESPONSE_HEADERS, TAGS } from '../openapi/operation.js';
import { describeHarnessTypes } from '../sessions/describe-harness-types.js';
import { SESSION_SCHEMAS } from '../sessions/session-schemas.js';
import { WORKSPACE_SCHEMAS } from '../sessions/workspace.docs.js';
import { WIRE_SCHEMAS } from '../anthropic/schemas.js';
import { USAGE_SCHEMAS } from '../usage/usage.docs.js';
import { FILE_SCHEMAS } from '../uploads/files.docs.js';
import { VERSION } from '../version.js';

/** Builds the OpenAPI document of the HTTP API. */
export function openApiDocument(app: INestApplication): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Chiron')
    .setDescription(
      'An Anthropic Messages API, an OpenAI Responses API and Chat Completions in front of durable coding-agent threads.',
    )
    .setVersion(VERSION)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    // Relative to the URL of this document, because the server does not know its public address.
    .addServer('/', 'The server that serves this document.')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: KEYS }, 'bearer')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'x-api-key', description: KEYS }, 'x-api-key');
  for (const [name, description] of Object.entries(TAGS)) builder.addTag(name, description);
  const description = builder.build();
  const components = {
    ...description.components,
    headers: RESPONSE_HEADERS,
    schemas: {
      ...WIRE_SCHEMAS,
      ...MODEL_SCHEMAS,
      ...OPENAI_SCHEMAS,
      ...RESPONSES_SCHEMAS,
      ...CHAT_SCHEMAS,
      ...SESSION_SCHEMAS,
      ...ADMIN_SCHEMAS,
      ...NODE_SCHEMAS,
      ...USAGE_SCHEMAS,
      ...FILE_SCHEMAS,
      ...WORKSPACE_SCHEMAS,
    },
  };
  // Otherwise Nest adds a tag for each controller.
  const document = SwaggerModule.createDocument(app, { ...description, components }, { autoTagControllers: false });
  const { harnessAliases: aliases } = app.get<AppConfig>(AppConfig);
  return describeHarnessTypes(document, { harnesses: app.get(HarnessRegistry).definitions, aliases });
}

const KEYS = 'One of the deployment’s keys. A server that never had one answers only callers on its own machine.';

/** Serves `/openapi.json` and `/docs`, built on the first request. */
export function setUpOpenApi(app: INestApplication): void {
  SwaggerModule.setup('docs', app, () => openApiDocument(app), { jsonDocumentUrl: 'openapi.json', raw: ['json'] });
}
