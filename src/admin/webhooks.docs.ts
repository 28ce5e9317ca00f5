import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiParam, getSchemaPath } from '@nestjs/swagger';
import { JsonResponseDocs } from '../openapi/operation.js';
import { ref, TEXT } from '../openapi/schema.js';
import { AdminDocs, EXAMPLE_TENANT } from './admin-docs.js';
import type { WebhookView } from './admin-views.js';
import { SetWebhookDto } from './dto/set-webhook.dto.js';

const EXAMPLE_WEBHOOK: WebhookView = {
  tenant: EXAMPLE_TENANT.name,
  url: 'https://hooks.example/turns',
  created_at: '2026-06-23T18:16:26.123Z',
};

const TenantParam = (): MethodDecorator =>
  ApiParam({
    name: 'name',
    description: 'The name of the tenant.',
    schema: { ...TEXT, examples: [EXAMPLE_TENANT.name] },
  });

/** `PUT /api/admin/tenants/{name}/webhook` in the OpenAPI document. */
export function SetWebhookDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'setTenantWebhook',
      summary: 'Set where a tenant gets its webhooks',
      description:
        'Each call makes a new secret. From then on, what happens in the tenant’s threads is posted to the URL, signed as Standard Webhooks says.',
      errors: [404, 413, 415],
    }),
    TenantParam(),
    ApiExtraModels(SetWebhookDto),
    ApiBody({
      schema: { $ref: getSchemaPath(SetWebhookDto) },
      examples: { url: { value: { url: EXAMPLE_WEBHOOK.url } } },
    }),
    JsonResponseDocs({
      description: 'The webhook, with its secret.',
      schema: ref('NewWebhook'),
      example: { ...EXAMPLE_WEBHOOK, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
    }),
  );
}

/** `GET /api/admin/tenants/{name}/webhook` in the OpenAPI document. */
export function GetWebhookDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({ id: 'getTenantWebhook', summary: 'See where a tenant gets its webhooks', errors: [404] }),
    TenantParam(),
    JsonResponseDocs({
      description: 'The webhook, without its secret.',
      schema: ref('Webhook'),
      example: { ...EXAMPLE_WEBHOOK },
    }),
  );
}

/** `DELETE /api/admin/tenants/{name}/webhook` in the OpenAPI document. */
export function RemoveWebhookDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'removeTenantWebhook',
      summary: 'Send a tenant no more webhooks',
      description: 'Those that have not been delivered are dropped.',
      errors: [404],
    }),
    TenantParam(),
    JsonResponseDocs({
      description: 'The webhook was removed.',
      schema: ref('RemovedWebhook'),
      example: { tenant: EXAMPLE_WEBHOOK.tenant, removed: true },
    }),
  );
}
