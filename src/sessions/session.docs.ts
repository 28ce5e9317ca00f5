import { applyDecorators } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiBody,
  ApiExtraModels,
  ApiOperation,
  ApiParam,
  ApiQuery,
  ApiResponse,
  ApiSecurity,
  ApiTags,
  getSchemaPath,
} from '@nestjs/swagger';
import { CreateSessionDto } from './dto/create-session.dto.js';

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
  message_id: 'msg_5f2c9d0e8b7a6c5d4e3f2a1b',
  sequence: 1,
  status: 'completed',
  stop_reason: 'end_turn',
  error: null,
  created_at: '2026-06-23T18:16:26.123Z',
  started_at: '2026-06-23T18:16:26.130Z',
  ended_at: '2026-06-23T18:16:29.871Z',
};

const USAGE = {
  input_tokens: 12,
  output_tokens: 5,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens_details: { thinking_tokens: 0 },
  server_tool_use: null,
  service_tier: 'standard',
  speed: null,
  inference_geo: null,
  iterations: null,
};

const MESSAGE = {
  id: TURN.message_id,
  type: 'message',
  role: 'assistant',
  model: 'claude-code',
  content: [{ type: 'text', text: 'There is one file.', citations: null }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  stop_details: null,
  container: null,
  diagnostics: null,
  context_management: null,
  usage: USAGE,
};

const ERRORS: Readonly<Record<number, readonly [string, object]>> = {
  400: ['The thread key or the input makes no sense.', { error: "thread_key must be namespaced as '<source>:<id>'" }],
  401: ['The key is missing or wrong.', { error: 'missing bearer token' }],
  404: ['There is no such session.', { error: 'session not found for thread_key api:demo-1' }],
  422: [
    'A field is missing or has the wrong type, or the harness is not here.',
    { error: 'harness_type must be one of the following values: codex, claudecode, demo' },
  ],
  500: ['The server failed.', { error: 'internal server error' }],
  503: ['The server is restarting, or too many turns wait. Try again.', { error: 'internal server error' }],
};

/** What every session route has in common: its tag, its key, its thread key and its errors in centaur's envelope. */
export function SessionDocs(options: {
  readonly summary: string;
  readonly description?: string;
  readonly hasKey?: boolean;
  readonly errors: readonly number[];
}): MethodDecorator {
  const { summary, description, hasKey = true, errors } = options;
  return applyDecorators(
    ApiTags('Sessions'),
    ApiBearerAuth('bearer'),
    ApiSecurity('x-api-key'),
    ApiOperation({ summary, ...(description === undefined ? {} : { description }) }),
    ...(hasKey ? [ThreadKeyDocs()] : []),
    ...errors.map((status) => {
      const [text, example] = ERRORS[status] ?? ['', {}];
      return ErrorDocs(status, text, example);
    }),
  );
}

/** One error in centaur's envelope. */
export function ErrorDocs(status: number, description: string, example: object): MethodDecorator {
  const schema = {
    type: 'object',
    required: ['ok', 'error'],
    properties: { ok: { type: 'boolean', enum: [false] }, error: { type: 'string' }, code: { type: 'string' } },
  };
  const content = { 'application/json': { schema, example: { ok: false, ...example } } };
  return ApiResponse({ status, description, content });
}

/** A good answer, as JSON. */
export function AnswerDocs(description: string, example: object): MethodDecorator {
  const schema = { type: 'object', additionalProperties: true };
  return ApiResponse({ status: 200, description, content: { 'application/json': { schema, example } } });
}

function ThreadKeyDocs(): MethodDecorator {
  return ApiParam({
    name: 'threadKey',
    description: 'The thread, `<source>:<id>`, percent-encoded: the same as in `x-chiron-thread-key`.',
    schema: { type: 'string' },
    example: 'api:demo-1',
  });
}

/** `GET /api/sessions` in the OpenAPI document. */
export function ListSessionsDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      summary: 'List your threads, the last changed first',
      description: 'Also those that were made by the Messages API.',
      hasKey: false,
      errors: [400, 401, 500],
    }),
    ApiQuery({ name: 'limit', required: false, schema: { type: 'integer', minimum: 1, maximum: 100, default: 20 } }),
    ApiQuery({
      name: 'cursor',
      required: false,
      description: '`next_cursor` of the page before.',
      schema: { type: 'string' },
    }),
    AnswerDocs('A page. `next_cursor` is `null` on the last one.', {
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
      summary: 'Create a session, or get it',
      description:
        'A session is a thread; one of the Messages API with the same key is the same thread. Times are opaque to clients.',
      errors: [400, 401, 422, 500],
    }),
    ApiExtraModels(CreateSessionDto),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateSessionDto) },
      examples: { claude: { value: { harness_type: 'claudecode', metadata: { source: 'my-client' } } } },
    }),
    AnswerDocs('The session, new or not.', { ...SESSION, harness_switched: false }),
    ErrorDocs(409, 'The session has another harness.', {
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
    SessionDocs({ summary: 'Look at a session and its last turns', errors: [400, 401, 404, 500] }),
    AnswerDocs('The session and its last ten turns, the newest first.', {
      ok: true,
      ...SESSION,
      metadata: { source: 'my-client' },
      model: 'claude-code',
      turn_count: 1,
      turns: [TURN],
    }),
  );
}

/** `GET /api/session/{thread_key}/turns/{id}` in the OpenAPI document. */
export function GetTurnDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({ summary: 'Look at a turn and its answer', errors: [400, 401, 404, 500] }),
    ApiParam({
      name: 'turnId',
      description: 'The execution id, or the id of the message that answers the turn.',
      schema: { type: 'string' },
      example: TURN.execution_id,
    }),
    AnswerDocs('The turn. `message` and `usage` are in Anthropic’s form, `null` until it has ended.', {
      ok: true,
      thread_key: 'api:demo-1',
      ...TURN,
      usage: USAGE,
      message: MESSAGE,
    }),
  );
}

/** `DELETE /api/session/{thread_key}` in the OpenAPI document. */
export function DeleteSessionDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      summary: 'Remove a thread',
      description:
        'Interrupts what it does, ends its process, and removes its workspace, its home, its turns and their events. Cannot be undone.',
      errors: [400, 401, 404, 500],
    }),
    AnswerDocs('It is gone.', { ok: true, deleted: true, thread_key: 'api:demo-1' }),
  );
}
