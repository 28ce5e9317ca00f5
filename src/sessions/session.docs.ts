import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiParam, ApiQuery, getSchemaPath } from '@nestjs/swagger';
import { TEXT } from '../openapi/schema.js';
import { TOOL_BLOCK_FORMS } from '../domain/tool-block-form.js';
import { EXAMPLE_MESSAGE } from '../anthropic/examples.js';
import { CreateSessionDto } from './dto/create-session.dto.js';
import { MAX_HISTORY_PAGE } from './dto/history-query.js';
import { AnswerDocs, EXAMPLE_THREAD_KEY, SessionDocs, SessionErrorDocs } from './route.docs.js';

const SESSION = {
  thread_key: EXAMPLE_THREAD_KEY,
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
