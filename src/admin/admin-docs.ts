// Shared parts of the operations of the admin API in the OpenAPI document.
import { applyDecorators } from '@nestjs/common';
import { AnthropicErrorDocs, OperationDocs } from '../openapi/operation.js';
import {
  INTEGER,
  ANY_OBJECT,
  always,
  described,
  nullable,
  object,
  oneOfTexts,
  ref,
  type Schema,
  TEXT,
  TIME,
} from '../openapi/schema.js';
import { AUDIT_ACTIONS } from '../storage/stores/audit.store.js';
import type { KeyView, TenantView } from './admin-views.js';

/** The tenant of the examples. */
export const EXAMPLE_TENANT: TenantView = { name: 'team-a', created_at: '2026-06-23T18:16:26.123Z', threads: 0 };

/** The key of the examples. */
export const EXAMPLE_KEY: KeyView = {
  id: 'key_018f3c5b7a9d1e2f40c6a8b1',
  tenant: 'team-a',
  name: 'nightly build',
  role: 'user',
  state: 'active',
  created_at: '2026-06-23T18:16:26.123Z',
  expires_at: '2027-01-31T00:00:00.000Z',
  last_used_at: null,
  revoked_at: null,
};

const KEY = {
  id: described('What logs and the audit log show of the key.', TEXT),
  tenant: TEXT,
  name: nullable(TEXT),
  role: oneOfTexts('user', 'admin'),
  state: oneOfTexts('active', 'expired', 'revoked'),
  created_at: TIME,
  expires_at: nullable(TIME),
  last_used_at: described('To the minute.', nullable(TIME)),
  revoked_at: nullable(TIME),
};

const WEBHOOK = { tenant: TEXT, url: TEXT, created_at: TIME };

/** The component schemas of the admin API. */
export const ADMIN_SCHEMAS: Readonly<Record<string, Schema>> = {
  Tenant: object({
    name: TEXT,
    created_at: TIME,
    threads: described('How many threads it has.', INTEGER),
  }),
  RemovedTenant: object({
    name: TEXT,
    removed: always(true),
    threads: described('How many threads stay.', INTEGER),
    revoked_keys: INTEGER,
  }),
  Key: object(KEY),
  NewKey: object({ ...KEY, key: described('The key itself. It is shown this once, and stored nowhere.', TEXT) }),
  Webhook: object(WEBHOOK),
  NewWebhook: object({
    ...WEBHOOK,
    secret: described('Signs what is sent. It is shown this once.', TEXT),
  }),
  RemovedWebhook: object({ tenant: TEXT, removed: always(true) }),
  TenantPolicy: object({ tenant: TEXT, policy: ref('PolicyDto') }),
  KeyPolicy: object({ key_id: TEXT, tenant: TEXT, policy: ref('PolicyDto') }),
  AuditEntry: object({
    id: TEXT,
    at: TIME,
    actor: described(
      'The id of the key, `oidc:` and the subject of the token, `settings:` and the name of a key of `CHIRON_API_KEYS`, or `cli` for the command line.',
      TEXT,
    ),
    action: oneOfTexts(...AUDIT_ACTIONS),
    tenant: TEXT,
    key_id: described('The key that was made or revoked, or whose policy was set.', nullable(TEXT)),
    details: ANY_OBJECT,
  }),
};

const ERRORS = {
  400: ['invalid_request_error', 'A field, a parameter or the path is wrong.'],
  401: ['authentication_error', 'The key or token is missing or wrong.'],
  403: ['permission_error', 'Neither the key nor the token is an admin’s.'],
  404: ['not_found_error', 'There is no such tenant, key or webhook.'],
  409: ['conflict_error', 'There is a tenant of this name already, or the tenant has threads.'],
  413: ['request_too_large', 'The body is larger than 32 MB.'],
  415: ['invalid_request_error', 'The `content-type` or `content-encoding` of the body is not supported.'],
  429: ['rate_limit_error', 'Too many requests had a wrong key.'],
  500: ['api_error', 'The server failed.'],
  503: ['api_error', 'The server cannot check keys or tokens now.'],
} as const;

/** Statuses of errors that every operation can return. */
const ALWAYS: readonly (keyof typeof ERRORS)[] = [400, 401, 403, 429, 500, 503];

/** An operation of the admin API with its errors. */
export function AdminDocs(operation: {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** Statuses of its further errors. */
  readonly errors?: readonly (keyof typeof ERRORS)[];
}): MethodDecorator {
  const { errors = [], ...rest } = operation;
  return applyDecorators(
    OperationDocs({ tag: 'Administration', ...rest }),
    ...[...ALWAYS, ...errors].map((status) => {
      const [type, description] = ERRORS[status];
      return AnthropicErrorDocs({ status, type, description });
    }),
  );
}
