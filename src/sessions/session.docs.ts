import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiParam, ApiQuery, getSchemaPath } from '@nestjs/swagger';
import { JsonResponseDocs, OperationDocs, RETRY_HEADERS } from '../openapi/operation.js';
import { ref, TEXT } from '../openapi/schema.js';
import { TOOL_BLOCK_FORMS } from '../domain/tool-block-form.js';
import { EXAMPLE_MESSAGE } from '../anthropic/examples.js';
import { CreateSessionDto } from './dto/create-session.dto.js';
import { HARNESS_TYPES } from './dto/harness-type.js';
import { MAX_HISTORY_PAGE } from './dto/history-query.js';

const SESSION = {
  thread_key: 'api:demo-1',
  sandbox_id: null,
  harness_type: 'claudecode',
  harness_thread_id: null,
  persona_id: null,
  status: 'idle',
  iron_control_principal: null,
  created_at: '2026-06-23T18:16:26.123Z',
  updated_at: '2026-06-23T18:16:26.123Z',
};

const TURN = {
  execution_id: 'exe_9b1d6f3e0c2a4d5b8e7f6a5b4c3d2e1f',
  message_id: EXAMPLE_MESSAGE.id,
  sequence: 1,
  status: 'completed',
  stop_reason: 'end_turn',
  error: null,
  created_at: '2026-06-23T18:16:26.123Z',
  started_at: '2026-06-23T18:16:26.130Z',
  ended_at: '2026-06-23T18:16:29.871Z',
  billed: {
    input_tokens: 1840,
    output_tokens: 321,
    cache_read_tokens: 40_210,
    cache_creation_tokens: 512,
    cost_usd: 0.024382,
  },
};

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
    schema: { ...TEXT, examples: [SESSION.thread_key] },
  });
}

/** `GET /api/sessions` in the OpenAPI document. */
export function ListSessionsDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'listSessions',
      summary: 'List your threads, last changed first',
      description: 'Including those that the Messages API created.',
      hasKey: false,
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      description: 'Number of threads per page.',
      schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
    }),
    ApiQuery({
      name: 'cursor',
      required: false,
      description: '`next_cursor` of the previous page.',
      schema: { ...TEXT, examples: ['MTc4MjIzOTc4NjEyMzo5YjFkNmYzZQ'] },
    }),
    ApiQuery({
      name: 'search',
      required: false,
      description: 'A part of the keys of the threads, in upper or lower case.',
      schema: { ...TEXT, maxLength: 200, examples: ['ticket-47'] },
    }),
    AnswerDocs('A page. `next_cursor` is `null` on the last one.', 'SessionPage', {
      ok: true,
      sessions: [SESSION],
      next_cursor: 'MTc4MjIzOTc4NjEyMzo5YjFkNmYzZQ',
    }),
  );
}

/** `POST /api/session/{thread_key}` in the OpenAPI document. */
export function CreateSessionDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'createSession',
      summary: 'Create or get a session',
      description: 'A session is a thread; the Messages API uses the same thread under the same key.',
      errors: [413, 415, 422],
    }),
    ApiExtraModels(CreateSessionDto),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateSessionDto) },
      examples: { claude: { value: { harness_type: 'claudecode', metadata: { source: 'my-client' } } } },
    }),
    AnswerDocs('The new or existing session.', 'CreatedSession', { ...SESSION, harness_switched: false }),
    SessionErrorDocs(409, 'The session has another harness.', {
      error: 'session api:demo-1 already exists with harness_type codex, requested claudecode',
      code: 'harness_conflict',
      existing_harness: 'codex',
      requested_harness: 'claudecode',
    }),
  );
}

/** `GET /api/session/{thread_key}` in the OpenAPI document. */
export function GetSessionDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'getSession',
      summary: 'Get a session and its last turns',
      errors: [404],
    }),
    AnswerDocs('The session and its last ten turns, newest first.', 'SessionWithTurns', {
      ok: true,
      ...SESSION,
      platform: 'unknown',
      metadata: { source: 'my-client' },
      model: 'claude-code',
      turn_count: 1,
      turns: [TURN],
      waiting_calls: [],
    }),
  );
}

/** `GET /api/session/{thread_key}/turns/{id}` in the OpenAPI document. */
export function GetTurnDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({ id: 'getTurn', summary: 'Get a turn and its answer', errors: [404] }),
    ApiParam({
      name: 'turnId',
      description: 'The execution id, or the id of the message that answers the turn.',
      schema: { ...TEXT, examples: [TURN.execution_id, TURN.message_id] },
    }),
    AnswerDocs(
      'The turn. `message` and `usage` are in Anthropic’s form, and `null` until the turn has ended.',
      'TurnWithMessage',
      { ok: true, thread_key: SESSION.thread_key, ...TURN, usage: EXAMPLE_MESSAGE.usage, message: EXAMPLE_MESSAGE },
    ),
  );
}

/** `GET /api/session/{thread_key}/history` in the OpenAPI document. */
export function GetHistoryDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'getHistory',
      summary: 'Read the conversation of a thread, the newest turn first',
      description: 'The turns of all its clients, in the form in which a client can go on with them.',
      errors: [404],
    }),
    ApiQuery({
      name: 'limit',
      required: false,
      description: 'Number of turns per page. A page with large contents may be shorter.',
      schema: { type: 'integer', minimum: 1, maximum: MAX_HISTORY_PAGE, default: MAX_HISTORY_PAGE },
    }),
    ApiQuery({
      name: 'before',
      required: false,
      description: '`next_before` of the previous page.',
      schema: { type: 'integer', minimum: 0, examples: [21] },
    }),
    ApiQuery({
      name: 'tool_blocks',
      required: false,
      description: 'How the tools of the agent are shown, as in the header `x-chiron-tool-blocks`.',
      schema: { type: 'string', enum: [...TOOL_BLOCK_FORMS], default: 'mcp' },
    }),
    AnswerDocs('A page. `next_before` is `null` on the last one.', 'SessionHistory', {
      ok: true,
      thread_key: SESSION.thread_key,
      turns: [
        {
          sequence: 1,
          execution_id: TURN.execution_id,
          status: TURN.status,
          client: 'session',
          created_at: TURN.created_at,
          ended_at: TURN.ended_at,
          prompt: [{ type: 'text', text: 'hello' }],
          answer: [{ type: 'text', text: 'Hello! What shall we do?', citations: null }],
          error: null,
        },
      ],
      next_before: null,
    }),
  );
}

/** `DELETE /api/session/{thread_key}` in the OpenAPI document. */
export function DeleteSessionDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'deleteSession',
      summary: 'Remove a thread',
      description:
        'Interrupts its turn, ends its process, and removes its workspace, its home, its turns and their events. Cannot be undone.',
      errors: [404],
    }),
    AnswerDocs('The thread was removed.', 'DeletedSession', {
      ok: true,
      deleted: true,
      thread_key: SESSION.thread_key,
    }),
  );
}
