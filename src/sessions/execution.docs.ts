import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiParam, ApiQuery, ApiResponse, getSchemaPath } from '@nestjs/swagger';
import { header } from '../openapi/operation.js';
import { eventStream, ref, TEXT } from '../openapi/schema.js';
import { AnswerDto, ToolResultDto } from './dto/answer.dto.js';
import { AppendMessagesDto } from './dto/append-messages.dto.js';
import { CancelDto } from './dto/cancel.dto.js';
import { ExecuteDto } from './dto/execute.dto.js';
import { AnswerDocs, SessionDocs, SessionErrorDocs } from './route.docs.js';

const EXECUTION_ID = 'exe_9b1d6f3e0c2a4d5b8e7f6a5b4c3d2e1f';
const THREAD_KEY = 'api:demo-1';

const STREAM = `id: 1000000000
event: session.execution_started
data: {"execution_id":"${EXECUTION_ID}","thread_key":"${THREAD_KEY}","input_line_count":1,"idle_timeout_ms":null,"max_duration_ms":null}

id: 1000000049
event: session.output.line
data: {"method":"item/agentMessage/delta","params":{"threadId":"…","turnId":"…","itemId":"item-1-1-answer","delta":"Hel"}}

id: 1999999999
event: session.execution_completed
data: {"execution_id":"${EXECUTION_ID}","thread_key":"${THREAD_KEY}","completion_reason":"turn_completed","result_text":"Hello"}

`;

/** `POST …/messages` in the OpenAPI document. */
export function AppendMessagesDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'appendMessages',
      summary: 'Append messages to a session',
      description:
        'Stores all messages or none, and starts no execution. The user’s messages are handed to the agent of a running execution, and `session.steering_delivered` reports that it heard them. Those that no execution has heard come before the input of the next one.',
      errors: [404, 413, 415, 422],
    }),
    ApiExtraModels(AppendMessagesDto),
    ApiBody({
      schema: { $ref: getSchemaPath(AppendMessagesDto) },
      examples: {
        one: {
          value: {
            messages: [{ client_message_id: 'm-001', role: 'user', parts: [{ type: 'text', text: 'hello' }] }],
          },
        },
      },
    }),
    AnswerDocs(
      'The message ids. A known `client_message_id` returns the id of the earlier message.',
      'AppendedMessages',
      {
        ok: true,
        message_ids: ['msg_019f0a1b2c3d00000f3c5a7b9d1e2f40'],
      },
    ),
  );
}

/** `POST …/execute` in the OpenAPI document. */
export function ExecuteDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'executeSession',
      summary: 'Start an execution',
      description: 'Returns at once. An execution is a turn of the thread, which the Messages API shares.',
      errors: [402, 404, 413, 415, 422, 503],
    }),
    ApiExtraModels(ExecuteDto),
    ApiBody({
      schema: { $ref: getSchemaPath(ExecuteDto) },
      examples: {
        text: {
          value: {
            idempotency_key: 'turn-2026-06-23-0001',
            input_lines: ['{"type":"user","message":{"role":"user","content":[{"type":"text","text":"hello"}]}}'],
            max_duration_ms: 1_800_000,
          },
        },
      },
    }),
    AnswerDocs('The execution. A known idempotency key returns the existing one with its current state.', 'Execution', {
      ok: true,
      execution_id: EXECUTION_ID,
      thread_key: THREAD_KEY,
      status: 'queued',
    }),
    SessionErrorDocs(409, 'Another turn of the thread is queued or running.', {
      error: `session ${THREAD_KEY} already has an active execution`,
      code: 'active_execution_conflict',
      existing_execution_id: EXECUTION_ID,
      existing_status: 'running',
    }),
  );
}

/** `POST …/executions/{executionId}/answer` in the OpenAPI document. */
export function AnswerCallsDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'answerCalls',
      summary: 'Answer the calls of an execution',
      description:
        'An execution whose status is `parked` has ended with calls of tools that run at the caller; the session and the execution list them. This gives a result for each call, and a new execution continues from them with the same agent.',
      errors: [400, 402, 404, 413, 415, 422, 503],
    }),
    ApiParam({
      name: 'executionId',
      description: 'An execution id, or the id of its message.',
      schema: { ...TEXT, examples: [EXECUTION_ID] },
    }),
    ApiExtraModels(AnswerDto, ToolResultDto),
    ApiBody({
      schema: { $ref: getSchemaPath(AnswerDto) },
      examples: {
        one: { value: { results: [{ tool_use_id: 'toolu_01A09q90qw90lq917835lq9', content: 'sunny' }] } },
      },
    }),
    AnswerDocs('The execution that continues.', 'Execution', {
      ok: true,
      execution_id: EXECUTION_ID,
      thread_key: THREAD_KEY,
      status: 'queued',
    }),
    SessionErrorDocs(409, 'The execution does not wait for results.', {
      error: 'the execution does not wait for results of tools',
      code: 'not_waiting',
    }),
  );
}

/** `GET …/events` in the OpenAPI document. */
export function EventsDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'readEvents',
      summary: 'Read the events of a session',
      description:
        'Replays the events after `after_event_id`, then streams live. With `execution_id` the stream ends after that execution’s terminal event. Without it, the stream continues with later turns of either API until you disconnect or the session is removed. The lines of `session.output.line` have the form of Codex’s app-server, whichever agent runs. Ids increase; each is `turn sequence × 1,000,000,000 + position in the turn`. Once a turn’s events are pruned, its lines are rebuilt from its message, with higher ids. Events about sandboxes and delivered interrupts are not sent.',
      errors: [404],
    }),
    ApiQuery({
      name: 'after_event_id',
      required: false,
      description: 'The id of the last event that you received.',
      schema: { type: 'integer', default: 0, examples: [1_000_000_049] },
    }),
    ApiQuery({
      name: 'execution_id',
      required: false,
      description: 'Only the events of this execution.',
      schema: { ...TEXT, examples: [EXECUTION_ID] },
    }),
    ApiHeader({
      name: 'last-event-id',
      description: 'As `after_event_id`; the greater of the two applies.',
      schema: { ...TEXT, examples: ['1000000049'] },
    }),
    ApiResponse({
      status: 200,
      description: 'Server-sent events, with a comment every 15 s.',
      headers: { 'request-id': header('RequestId') },
      content: { 'text/event-stream': { schema: eventStream(ref('SessionStreamEvent')), example: STREAM } },
    }),
  );
}

/** `POST …/interrupt` in the OpenAPI document. */
export function InterruptDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'interruptSession',
      summary: 'Interrupt the running execution',
      description:
        'The execution ends with `session.execution_cancelled`. A body with a `reason` is accepted and ignored.',
      errors: [404],
    }),
    AnswerDocs('Whether an execution was running.', 'Interruption', {
      ok: true,
      interrupted: true,
      execution_id: EXECUTION_ID,
      thread_key: THREAD_KEY,
    }),
  );
}

/** `POST …/cancel` in the OpenAPI document. */
export function CancelSessionDocs(): MethodDecorator {
  return applyDecorators(
    SessionDocs({
      id: 'cancelSession',
      summary: 'Cancel what a session does',
      description:
        'With `cancel_inflight`, interrupts the active execution as `interrupt` does, and nothing otherwise. The session stays, and can be executed again.',
      errors: [404, 413, 415, 422],
    }),
    ApiExtraModels(CancelDto),
    ApiBody({
      schema: { $ref: getSchemaPath(CancelDto) },
      examples: { active: { value: { release_id: 'rel-1', cancel_inflight: true } } },
    }),
    AnswerDocs('Whether an execution was active and is being cancelled.', 'Cancellation', {
      ok: true,
      release_id: 'rel-1',
      cancel_inflight: true,
      cancelled: true,
      execution_id: EXECUTION_ID,
      thread_key: THREAD_KEY,
    }),
  );
}
