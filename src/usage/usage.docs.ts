import { applyDecorators } from '@nestjs/common';
import { ApiQuery, ApiResponse } from '@nestjs/swagger';
import { AnthropicErrorDocs, header, OperationDocs } from '../openapi/operation.js';
import { described, INTEGER, list, nullable, object, oneOfTexts, ref, type Schema, TEXT } from '../openapi/schema.js';
import { GROUP_NAMES } from './usage-query.js';
import type { UsageReport, UsageRow } from './usage-views.js';

const DAY: Schema = { type: 'string', format: 'date', examples: ['2027-01-31'] };

const ROW: UsageRow = {
  turns: 12,
  input_tokens: 1840,
  output_tokens: 9321,
  cache_read_tokens: 402_118,
  cache_creation_tokens: 51_007,
  cost_usd: 0.529236,
  unpriced_turns: 0,
};

const REPORT: UsageReport = {
  from: '2027-01-01',
  to: '2027-01-31',
  group_by: ['model'],
  data: [{ model: 'claude-opus-5-5', ...ROW }],
  total: ROW,
};

/** The component schemas of usage. */
export const USAGE_SCHEMAS: Readonly<Record<string, Schema>> = {
  UsageRow: object(
    {
      turns: described('Turns that have ended, also those that failed or were interrupted.', INTEGER),
      input_tokens: described('Without cached ones.', INTEGER),
      output_tokens: INTEGER,
      cache_read_tokens: INTEGER,
      cache_creation_tokens: INTEGER,
      cost_usd: described(
        'US dollars, to the millionth: an estimate by list prices. `null` if no turn has a known price.',
        { type: ['number', 'null'] },
      ),
      unpriced_turns: described('Turns of models without a known price; they are not in `cost_usd`.', INTEGER),
    },
    {
      tenant: TEXT,
      key: described('The id of the key in the store; `null` for turns of other keys, or without one.', nullable(TEXT)),
      user: described('`metadata.user_id` of the requests; `null` for those without.', nullable(TEXT)),
      model: described('The `model` of the answers.', TEXT),
      harness: TEXT,
      day: described('The day in UTC on which the turns ended.', TEXT),
    },
  ),
};

const ERRORS = [
  [400, 'invalid_request_error', 'A parameter is wrong.'],
  [401, 'authentication_error', 'The key is missing or wrong.'],
  [403, 'permission_error', 'A web page of another origin asks a server without keys.'],
  [404, 'not_found_error', 'There is no such tenant, or it is not the caller’s.'],
  [429, 'rate_limit_error', 'The caller is at a limit of its policy, or too many requests had a wrong key.'],
  [500, 'api_error', 'The server failed.'],
  [503, 'api_error', 'The server cannot check keys or policies now.'],
] as const;

/** `GET /api/usage` in the OpenAPI document. */
export function UsageDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getUsage',
      tag: 'Usage',
      summary: 'Sum up tokens and cost',
      description:
        'Of all turns that have ended, side requests and removed threads among them. An admin key sees all tenants; any other its own.',
    }),
    ApiQuery({ name: 'from', required: false, description: 'The first day, in UTC.', schema: DAY }),
    ApiQuery({ name: 'to', required: false, description: 'The last day, in UTC.', schema: DAY }),
    ApiQuery({
      name: 'group_by',
      required: false,
      description: `Any of ${GROUP_NAMES.map((name) => `\`${name}\``).join(', ')}, separated by commas: a row for each combination. One row without it.`,
      schema: { ...TEXT, examples: ['model,day'] },
    }),
    ApiQuery({
      name: 'tenant',
      required: false,
      description: 'Only this tenant. Another key than an admin’s can name its own only.',
      schema: { ...TEXT, examples: ['team-a'] },
    }),
    ApiQuery({
      name: 'format',
      required: false,
      description: 'The form of the answer; otherwise `Accept` decides.',
      schema: oneOfTexts('json', 'csv'),
    }),
    ApiResponse({
      status: 200,
      description: 'The sums. As CSV, `data` alone, with a line of names.',
      headers: { 'request-id': header('RequestId') },
      content: {
        'application/json': {
          schema: object({
            from: nullable(TEXT),
            to: nullable(TEXT),
            group_by: list(oneOfTexts(...GROUP_NAMES)),
            data: list(ref('UsageRow')),
            total: ref('UsageRow'),
          }),
          example: REPORT,
        },
        'text/csv': { schema: TEXT, example: 'model,turns\r\nclaude-opus-5-5,12\r\n' },
      },
    }),
    ...ERRORS.map(([status, type, description]) => AnthropicErrorDocs({ status, type, description })),
  );
}
