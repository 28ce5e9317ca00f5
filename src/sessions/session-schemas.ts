// JSON Schemas of the session API's responses and events for the OpenAPI document. A test validates real responses with them.
import {
  always,
  ANY_OBJECT,
  BOOLEAN,
  described,
  INTEGER,
  list,
  NULL,
  nullable,
  object,
  oneOfTexts,
  ref,
  type Schema,
  TEXT,
  TIME,
} from '../openapi/schema.js';
import { HARNESS_TYPES } from './dto/harness-type.js';

const OK = { ok: always(true) };
const HARNESS_TYPE = described(
  `${HARNESS_TYPES.join(', ')}, an agent of CHIRON_AGENTS_FILE, an alias that the deployment accepts for one of them, or the name of a harness that only another version of the server has.`,
  TEXT,
);
const TURN_STATE = oneOfTexts('queued', 'running', 'parked', 'completed', 'failed', 'cancelled');
const CALL = object({ id: TEXT, name: TEXT, input: ANY_OBJECT });
const EXECUTION = { execution_id: TEXT, thread_key: TEXT };

const SESSION = {
  thread_key: TEXT,
  sandbox_id: described('The id of the thread’s folders, once an agent has worked in them.', nullable(TEXT)),
  harness_type: HARNESS_TYPE,
  harness_thread_id: described('The harness’s own id of the conversation, once there is one.', nullable(TEXT)),
  persona_id: NULL,
  status: described(
    '`parked`: the agent waits for results of tools that run at the caller.',
    oneOfTexts('idle', 'executing', 'failed', 'parked'),
  ),
  iron_control_principal: NULL,
  created_at: TIME,
  updated_at: TIME,
};

/** Fields of a session that are not always there. */
const OPTIONAL_SESSION = {
  expires_at: described('When the session is removed unless it is used before; absent where sessions are kept.', TIME),
};

const TURN = {
  execution_id: TEXT,
  message_id: described('The id of the turn’s answer in the Messages API.', TEXT),
  sequence: described('Number of the turn within its thread, from 1.', INTEGER),
  status: TURN_STATE,
  stop_reason: nullable(TEXT),
  error: nullable(TEXT),
  created_at: TIME,
  started_at: nullable(TIME),
  ended_at: nullable(TIME),
};

/** Fields of a turn that are not always there. */
const OPTIONAL_TURN = { billed: ref('Billed') };

const EVENTS = {
  ExecutionStartedEvent: object(
    {
      ...EXECUTION,
      input_line_count: INTEGER,
      idle_timeout_ms: nullable(INTEGER),
      max_duration_ms: nullable(INTEGER),
    },
    {
      message_ids: described(
        'The appended messages that are in the prompt, before or after the input lines.',
        list(TEXT),
      ),
      history: oneOfTexts('lost'),
    },
  ),
  OutputLineEvent: described(
    'A notification in the form of Codex’s app-server, whichever agent runs.',
    object({ method: TEXT, params: ANY_OBJECT }),
  ),
  FirstTokenEvent: object({
    ...EXECUTION,
    harness_type: HARNESS_TYPE,
    latency_ms: nullable(INTEGER),
    output_event_id: INTEGER,
  }),
  SteeringDeliveredEvent: described(
    'The agent heard messages that were appended while it was running.',
    object({ ...EXECUTION, message_ids: list(TEXT), input_line_count: INTEGER }),
  ),
  ExecutionCompletedEvent: object(
    {
      ...EXECUTION,
      completion_reason: described(
        '`caller_tool_calls`: the agent waits for the results of `calls`.',
        oneOfTexts('turn_completed', 'caller_tool_calls'),
      ),
      result_text: nullable(TEXT),
    },
    { calls: list(CALL) },
  ),
  ExecutionFailedEvent: object(
    { ...EXECUTION, error: TEXT },
    { reason: oneOfTexts('max_duration_exceeded'), max_duration_ms: INTEGER },
  ),
  ExecutionCancelledEvent: object(EXECUTION),
  StreamErrorEvent: described('The last event of a stream that failed.', object({ error: TEXT })),
};

/** The component schemas of the session API's responses. */
export const SESSION_SCHEMAS: Readonly<Record<string, Schema>> = {
  Session: object(SESSION, OPTIONAL_SESSION),
  CreatedSession: object({ ...SESSION, harness_switched: BOOLEAN }, OPTIONAL_SESSION),
  SessionPage: object({ ...OK, sessions: list(ref('Session')), next_cursor: nullable(TEXT) }),
  SessionWithTurns: object(
    {
      ...OK,
      ...SESSION,
      platform: described(
        'The chat platform that the thread key names; the field of that name has the place on it.',
        oneOfTexts('slack', 'discord', 'teams', 'linear', 'github', 'unknown'),
      ),
      metadata: ANY_OBJECT,
      model: TEXT,
      turn_count: INTEGER,
      turns: list(ref('Turn')),
      waiting_calls: described('The calls for which a parked session waits.', list(CALL)),
    },
    {
      ...OPTIONAL_SESSION,
      slack: object({ channel_id: TEXT, thread_ts: TEXT }),
      discord: object({ guild_id: TEXT, channel_id: TEXT }, { thread_id: TEXT }),
      teams: object({ conversation_id: TEXT }, { service_url: TEXT }),
      linear: object({ issue_id: TEXT }, { comment_id: TEXT, agent_session_id: TEXT }),
      github: object(
        { owner: TEXT, repo: TEXT, number: INTEGER, kind: oneOfTexts('issue', 'pr') },
        { review_comment_id: INTEGER },
      ),
    },
  ),
  DeletedSession: object({ ...OK, deleted: always(true), thread_key: TEXT }),
  Turn: object(TURN, OPTIONAL_TURN),
  TurnWithMessage: object(
    { ...OK, thread_key: TEXT, ...TURN, usage: nullable(ref('Usage')), message: nullable(ref('Message')) },
    OPTIONAL_TURN,
  ),
  HistoryTurn: object({
    sequence: TURN.sequence,
    execution_id: TEXT,
    status: oneOfTexts('queued', 'running', 'completed', 'failed', 'cancelled'),
    client: described(
      'The kind of client that made the turn, such as `claude-code`, `codex`, `sdk` or `session`.',
      TEXT,
    ),
    created_at: TIME,
    ended_at: nullable(TIME),
    prompt: described(
      'What the user said, in the content blocks of the Messages API; empty for a turn that only has results of tools.',
      list(ANY_OBJECT),
    ),
    answer: described(
      'What there is of the answer, in content blocks; without thinking, and empty until the turn has ended.',
      list(ANY_OBJECT),
    ),
    error: nullable(TEXT),
  }),
  SessionHistory: object({
    ...OK,
    thread_key: TEXT,
    turns: list(ref('HistoryTurn')),
    next_before: nullable(INTEGER),
  }),
  Billed: described(
    'What a turn is billed with, as in `/api/usage`; absent until it has ended, and for one that never ran.',
    object({
      input_tokens: described('Without cached ones.', INTEGER),
      output_tokens: INTEGER,
      cache_read_tokens: INTEGER,
      cache_creation_tokens: INTEGER,
      cost_usd: described(
        'US dollars, to the millionth: an estimate by list prices. `null` if a model of the turn has no known price.',
        { type: ['number', 'null'] },
      ),
    }),
  ),
  AppendedMessages: object({ ...OK, message_ids: list(TEXT) }),
  Execution: object(
    { ...OK, ...EXECUTION, status: TURN_STATE },
    { warnings: described('What is not done as the input asks, in sentences for the user.', list(TEXT)) },
  ),
  Cancellation: object({
    ...OK,
    release_id: nullable(TEXT),
    cancel_inflight: BOOLEAN,
    cancelled: BOOLEAN,
    execution_id: nullable(TEXT),
    thread_key: TEXT,
  }),
  Interruption: object({ ...OK, interrupted: BOOLEAN, execution_id: nullable(TEXT), thread_key: TEXT }),
  ...EVENTS,
  SessionStreamEvent: described('The `data` of one server-sent event; its `event` names the schema that applies.', {
    anyOf: Object.keys(EVENTS).map(ref),
  }),
  SessionError: described(
    'An error of the session API.',
    object(
      { ok: always(false), error: TEXT },
      {
        code: TEXT,
        existing_harness: HARNESS_TYPE,
        requested_harness: HARNESS_TYPE,
        existing_execution_id: TEXT,
        existing_status: TURN_STATE,
      },
    ),
  ),
};
