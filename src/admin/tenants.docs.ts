import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiParam, ApiQuery, getSchemaPath } from '@nestjs/swagger';
import { JsonResponseDocs } from '../openapi/operation.js';
import { list, object, oneOfTexts, ref, TEXT } from '../openapi/schema.js';
import { AdminDocs, EXAMPLE_TENANT } from './admin-docs.js';
import { CreateTenantDto } from './dto/create-tenant.dto.js';

/** `POST /api/admin/tenants` in the OpenAPI document. */
export function CreateTenantDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'createTenant',
      summary: 'Make a tenant',
      description: 'Threads that have its name already are its own: `threads` says how many.',
      errors: [409, 413, 415],
    }),
    ApiExtraModels(CreateTenantDto),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateTenantDto) },
      examples: { team: { value: { name: EXAMPLE_TENANT.name } } },
    }),
    JsonResponseDocs({ status: 201, description: 'The new tenant.', schema: ref('Tenant'), example: EXAMPLE_TENANT }),
  );
}

/** `GET /api/admin/tenants` in the OpenAPI document. */
export function ListTenantsDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({ id: 'listTenants', summary: 'List the tenants of the store, by name' }),
    JsonResponseDocs({
      description: 'All tenants. Those of `CHIRON_API_KEYS` are not among them.',
      schema: object({ data: list(ref('Tenant')) }),
      example: { data: [EXAMPLE_TENANT] },
    }),
  );
}

/** `DELETE /api/admin/tenants/{name}` in the OpenAPI document. */
export function RemoveTenantDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'removeTenant',
      summary: 'Remove a tenant and revoke its keys',
      description:
        'A tenant with threads is removed with `threads=keep` only. The threads then stay, and a new tenant of the same name gets them.',
      errors: [404, 409],
    }),
    ApiParam({
      name: 'name',
      description: 'The name of the tenant.',
      schema: { ...TEXT, examples: [EXAMPLE_TENANT.name] },
    }),
    ApiQuery({
      name: 'threads',
      required: false,
      description: 'Whether to remove the tenant although it has threads.',
      schema: oneOfTexts('keep'),
    }),
    JsonResponseDocs({
      description: 'The tenant was removed.',
      schema: ref('RemovedTenant'),
      example: { name: EXAMPLE_TENANT.name, removed: true, threads: 0, revoked_keys: 2 },
    }),
  );
}
