import { applyDecorators } from '@nestjs/common';
import { ApiResponse } from '@nestjs/swagger';
import { AnthropicErrorDocs, header, OperationDocs } from '../../openapi/operation.js';
import { TEXT } from '../../openapi/schema.js';

/** `GET /metrics` in the OpenAPI document. */
export function MetricsDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getMetrics',
      tag: 'Operations',
      summary: 'Metrics for Prometheus',
      description:
        'The key is that of `CHIRON_METRICS_KEY`, and no other; with `CHIRON_METRICS_PORT`, another port serves them.',
    }),
    ApiResponse({
      status: 200,
      description: 'All metrics, in the text format of Prometheus.',
      headers: { 'request-id': header('RequestId') },
      content: { 'text/plain': { schema: TEXT, example: 'chiron_turns_running 3\n' } },
    }),
    AnthropicErrorDocs({
      status: 401,
      type: 'authentication_error',
      description: 'The metrics key is missing or wrong, or the server has none.',
    }),
    AnthropicErrorDocs({ status: 404, type: 'not_found_error', description: 'The metrics have a port of their own.' }),
  );
}
