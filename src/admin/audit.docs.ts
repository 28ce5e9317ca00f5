import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { JsonResponseDocs } from '../openapi/operation.js';
import { list, nullable, object, ref, TEXT } from '../openapi/schema.js';
import { AdminDocs, EXAMPLE_KEY } from './admin-docs.js';
import { DEFAULT_PAGE, MAX_PAGE } from './dto/admin-query.js';

const EXAMPLE_ID = 'aud_01a2b3c4d5e60000000118f3c5b7';

/** `GET /api/admin/audit` in the OpenAPI document. */
export function ListAuditDocs(): MethodDecorator {
  return applyDecorators(
    AdminDocs({
      id: 'listAuditEntries',
      summary: 'Read who made, revoked, interrupted and removed what, newest first',
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      description: 'Number of entries per page.',
      schema: { type: 'integer', minimum: 1, maximum: MAX_PAGE, default: DEFAULT_PAGE },
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      description: '`next_cursor` of the previous page.',
      schema: { ...TEXT, examples: [EXAMPLE_ID] },
    }),
    JsonResponseDocs({
      description: 'A page. `next_cursor` is `null` on the last one.',
      schema: object({ data: list(ref('AuditEntry')), next_cursor: nullable(TEXT) }),
      example: {
        data: [
          {
            id: EXAMPLE_ID,
            at: EXAMPLE_KEY.created_at,
            actor: 'cli',
            action: 'key.create',
            tenant: EXAMPLE_KEY.tenant,
            key_id: EXAMPLE_KEY.id,
            details: { name: EXAMPLE_KEY.name, role: 'user', expires_at: EXAMPLE_KEY.expires_at },
          },
        ],
        next_cursor: EXAMPLE_ID,
      },
    }),
  );
}
