import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiParam, getSchemaPath } from '@nestjs/swagger';
import { JsonResponseDocs } from '../openapi/operation.js';
import { ref, TEXT } from '../openapi/schema.js';
import { AdminDocs, EXAMPLE_KEY, EXAMPLE_TENANT } from './admin-docs.js';
import { PolicyDto } from './dto/policy.dto.js';

const POLICY = { models: ['claude-*'], concurrent_turns: 4, requests_per_minute: 60, usd_per_month: 250 };
const OF_TENANT = { tenant: EXAMPLE_TENANT.name, policy: POLICY };
const OF_KEY = { key_id: EXAMPLE_KEY.id, tenant: EXAMPLE_KEY.tenant, policy: POLICY };

const REPLACES =
  'Replaces the policy; a field that is absent restricts nothing. Every server holds its callers to it from the next request on.';

const TenantParam = (): MethodDecorator =>
  ApiParam({
    name: 'name',
    description: 'The name of the tenant.',
    schema: { ...TEXT, examples: [EXAMPLE_TENANT.name] },
  });

const KeyParam = (): MethodDecorator =>
  ApiParam({ name: 'keyId', description: 'The id of the key.', schema: { ...TEXT, examples: [EXAMPLE_KEY.id] } });

const PolicyBody = (): MethodDecorator =>
  applyDecorators(
    ApiExtraModels(PolicyDto),
    ApiBody({ schema: { $ref: getSchemaPath(PolicyDto) }, examples: { limits: { value: POLICY } } }),
  );

const TenantPolicyResponse = (): MethodDecorator =>
  JsonResponseDocs({ description: 'The policy.', schema: ref('TenantPolicy'), example: OF_TENANT });

const KeyPolicyResponse = (): MethodDecorator =>
  JsonResponseDocs({ description: 'The policy.', schema: ref('KeyPolicy'), example: OF_KEY });

/** `GET /api/admin/tenants/{name}/policy` in the OpenAPI document. */
export function GetTenantPolicyDocs(): MethodDecorator {
  const docs = AdminDocs({ id: 'getTenantPolicy', summary: 'Read the policy of a tenant', errors: [404] });
  return applyDecorators(docs, TenantParam(), TenantPolicyResponse());
}

/** `PUT /api/admin/tenants/{name}/policy` in the OpenAPI document. */
export function SetTenantPolicyDocs(): MethodDecorator {
  const docs = AdminDocs({
    id: 'setTenantPolicy',
    summary: 'Set what a tenant may do, and how much',
    description: REPLACES,
    errors: [404, 413, 415],
  });
  return applyDecorators(docs, TenantParam(), PolicyBody(), TenantPolicyResponse());
}

/** `GET /api/admin/keys/{keyId}/policy` in the OpenAPI document. */
export function GetKeyPolicyDocs(): MethodDecorator {
  const docs = AdminDocs({ id: 'getKeyPolicy', summary: 'Read the policy of a key', errors: [404] });
  return applyDecorators(docs, KeyParam(), KeyPolicyResponse());
}

/** `PUT /api/admin/keys/{keyId}/policy` in the OpenAPI document. */
export function SetKeyPolicyDocs(): MethodDecorator {
  const docs = AdminDocs({
    id: 'setKeyPolicy',
    summary: 'Set what a key may do, and how much',
    description: `${REPLACES} A request has to satisfy the policy of its tenant, too.`,
    errors: [404, 413, 415],
  });
  return applyDecorators(docs, KeyParam(), PolicyBody(), KeyPolicyResponse());
}
