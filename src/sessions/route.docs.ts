import { applyDecorators } from '@nestjs/common';
import { ApiParam } from '@nestjs/swagger';
import { JsonResponseDocs, OperationDocs, RETRY_HEADERS } from '../openapi/operation.js';
import { ref, TEXT } from '../openapi/schema.js';
import { HARNESS_TYPES } from './dto/harness-type.js';

/** The thread of the examples. */
export const EXAMPLE_THREAD_KEY = 'api:demo-1';

const ERRORS = {
  400: ['The thread key, the input or the path is malformed.', "thread_key must be namespaced as '<source>:<id>'"],
  401: ['The key or token is missing or wrong.', 'missing bearer token'],
  402: [
    'The money that a policy allows is spent.',
    'The policy of this key allows 250 US dollars per month, which are spent. The next month begins on 2027-02-01.',
  ],
  403: [
    'A policy does not allow it; or no keys are configured, and the caller is not on the server’s machine.',
    'Without CHIRON_API_KEYS, only requests from this machine to a loopback host are accepted.',
  ],
  404: ['There is no such session.', 'session not found for thread_key api:demo-1'],
  413: ['The body is larger than 32 MB.', 'The request body is larger than 33554432 bytes.'],
  415: [
    'The `content-type` or `content-encoding` of the body is not supported.',
    'content-encoding must be gzip, deflate, br, zstd or absent',
  ],
  422: [
    'A field is missing or has the wrong type, or the harness is not available.',
    `harness_type: Input should be one of ${HARNESS_TYPES.join(', ')}`,
  ],
  429: [
    'The caller is at a limit of its policy, or too many requests had a wrong key.',
    'The policy of this key allows 60 requests per minute.',
  ],
  500: ['The server failed.', 'internal server error'],
  503: [
    'The server is restarting, cannot check keys or tokens now, or its queue is full. Retry later.',
    'internal server error',
  ],
} as const satisfies Readonly<Record<number, readonly [string, string]>>;

/** Statuses of errors that every session route can return. */
const ALWAYS: readonly (keyof typeof ERRORS)[] = [400, 401, 403, 429, 500, 503];

/** The common part of session routes: the tag, the thread key and the errors in centaur's envelope. */
export function SessionDocs(options: {
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  readonly hasKey?: boolean;
  /** Statuses of the route's further errors. */
  readonly errors?: readonly (keyof typeof ERRORS)[];
}): MethodDecorator {
  const { hasKey = true, errors = [], ...operation } = options;
  return applyDecorators(
    OperationDocs({ tag: 'Sessions', ...operation }),
    ...(hasKey ? [ThreadKeyDocs()] : []),
    ...[...new Set([...ALWAYS, ...errors])].map((status) => {
      const [description, error] = ERRORS[status];
      return SessionErrorDocs(status, description, { error });
    }),
  );
}

/** One error in centaur's envelope. */
export function SessionErrorDocs(status: number, description: string, example: object): MethodDecorator {
  // A path that cannot be decoded matches no session route, and gets the error envelope of all other paths.
  const schema = status === 400 ? { anyOf: [ref('SessionError'), ref('ErrorResponse')] } : ref('SessionError');
  return JsonResponseDocs({ status, description, schema, example: { ok: false, ...example }, headers: RETRY_HEADERS });
}

/** A successful JSON response. */
export function AnswerDocs(description: string, schema: string, example: object): MethodDecorator {
  return JsonResponseDocs({ description, schema: ref(schema), example });
}

function ThreadKeyDocs(): MethodDecorator {
  return ApiParam({
    name: 'threadKey',
    description: 'The thread key `<source>:<id>`, percent-encoded, as in `x-chiron-thread-key`.',
    schema: { ...TEXT, examples: [EXAMPLE_THREAD_KEY] },
  });
}
