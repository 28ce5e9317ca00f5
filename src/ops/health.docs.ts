import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { header, JsonResponseDocs, OperationDocs } from '../openapi/operation.js';
import { always, object, TEXT } from '../openapi/schema.js';

/** `GET /healthz`, and its alias `GET /health`, in the OpenAPI document. */
export function HealthDocs(id: string): MethodDecorator {
  return applyDecorators(
    OperationDocs({ id, tag: 'Operations', isPublic: true, summary: 'Liveness of the process' }),
    JsonResponseDocs({
      description: 'The process is alive.',
      schema: object({ ok: always(true) }),
      example: { ok: true },
    }),
  );
}

/** `GET /readyz` in the OpenAPI document. */
export function ReadinessDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getReadiness',
      tag: 'Operations',
      isPublic: true,
      summary: 'Readiness for new turns',
    }),
    JsonResponseDocs({
      description: 'The server accepts new turns.',
      schema: object({ ok: always(true), ready: always(true) }),
      example: { ok: true, ready: true },
    }),
    JsonResponseDocs({
      status: 503,
      description: 'The server accepts no new turns; `error` has the reason.',
      schema: object({ ok: always(false), ready: always(false), error: TEXT }),
      example: { ok: false, ready: false, error: 'the server is stopping' },
    }),
  );
}

/** `GET /` in the OpenAPI document. */
export function RootDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getServerInfo',
      tag: 'Operations',
      isPublic: true,
      summary: 'Get the name and the entry points of the server',
    }),
    JsonResponseDocs({
      description: 'The name, and the paths of the API and its documentation.',
      schema: object({ name: TEXT, messages: TEXT, responses: TEXT, chat: TEXT, docs: TEXT }),
      example: {
        name: 'chiron',
        messages: '/v1/messages',
        responses: '/v1/responses',
        chat: '/v1/chat/completions',
        docs: '/docs',
      },
    }),
  );
}

/** `HEAD /api/hello` in the OpenAPI document. */
export function HelloDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'hello',
      tag: 'Operations',
      isPublic: true,
      summary: 'Open a connection',
      description: 'Claude Code warms up its connection with this request.',
    }),
    ApiResponse({
      status: 200,
      description: 'The server is reachable.',
      headers: { 'request-id': header('RequestId') },
    }),
  );
}
