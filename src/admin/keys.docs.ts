import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiParam, ApiQuery, getSchemaPath } from '@nestjs/swagger';
import { JsonResponseDocs } from '../openapi/operation.js';
import { list, object, ref, TEXT } from '../openapi/schema.js';
import { AdminDocs, EXAMPLE_KEY, EXAMPLE_TENANT } from './admin-docs.js';
import { CreateKeyDto } from './dto/create-key.dto.js';

/** `POST /api/admin/keys` in the OpenAPI document. */
export function CreateKeyDocs(): MethodDecorator {
  const { tenant, name, role } = EXAMPLE_KEY;
  return applyDecorators(
    AdminDocs({
      id: 'createKey',
      summary: 'Make a key of a tenant',
      description: 'The answer is the only one that ever has the key itself.',
      errors: [404, 413, 415],
    }),
    ApiExtraModels(CreateKeyDto),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateKeyDto) },
      examples: { build: { value: { tenant, name, role, expires_at: '2027-01-31' } } },
    }),
    JsonResponseDocs({
      status: 201,
      description: 'The new key.',
      schema: ref('NewKey'),
      example: { ...EXAMPLE_KEY, key: `chiron_${'x'.repeat(43)}` },
    }),
  );
}

/** `GET /api/admin/keys` in the OpenAPI document. */
export function ListKeysDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({ id: 'listKeys', summary: 'List keys, newest first' }),
    ApiQuery({
      name: 'tenant',
      required: false,
      description: 'Only the keys of this tenant.',
      schema: { ...TEXT, examples: [EXAMPLE_TENANT.name] },
    }),
    JsonResponseDocs({
      description:
        'All keys of the store, revoked and expired ones as well. Those of `CHIRON_API_KEYS` are not among them.',
      schema: object({ data: list(ref('Key')) }),
      example: { data: [EXAMPLE_KEY] },
    }),
  );
}

/** `DELETE /api/admin/keys/{keyId}` in the OpenAPI document. */
export function RevokeKeyDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'revokeKey',
      summary: 'Revoke a key',
      description:
        'Every server refuses the next request with it. Requests that are being answered go on. A key that is revoked already stays as it is.',
      errors: [404],
    }),
    ApiParam({ name: 'keyId', description: 'The id of the key.', schema: { ...TEXT, examples: [EXAMPLE_KEY.id] } }),
    JsonResponseDocs({
      description: 'The revoked key.',
      schema: ref('Key'),
      example: { ...EXAMPLE_KEY, state: 'revoked', revoked_at: '2026-07-01T08:00:00.000Z' },
    }),
  );
}
