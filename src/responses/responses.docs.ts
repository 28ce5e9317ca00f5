import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, ApiHeader, ApiParam, ApiQuery, getSchemaPath } from '@nestjs/swagger';
import { AnswerOrStreamDocs, OpenaiErrorDocs, RequestHeaderDocs } from '../openai/openai.docs.js';
import { JsonResponseDocs, OperationDocs } from '../openapi/operation.js';
import { always, object, oneOfTexts, ref, TEXT } from '../openapi/schema.js';
import { CreateResponseDto } from './request/create-response.dto.js';
import { EXAMPLE_EVENTS, EXAMPLE_INPUT_ITEMS, EXAMPLE_RESPONSE } from './wire/examples.js';

function ResponseIdParam(): MethodDecorator {
  return ApiParam({
    name: 'responseId',
    description: 'The `id` of the response.',
    schema: { ...TEXT, examples: [EXAMPLE_RESPONSE.id] },
  });
}

function ResponseOrStream(description: string): MethodDecorator {
  return AnswerOrStreamDocs({
    description,
    answer: ref('Response'),
    answerExample: EXAMPLE_RESPONSE,
    event: ref('ResponseStreamEvent'),
    eventsExample: EXAMPLE_EVENTS,
  });
}

/** `POST /v1/responses` in the OpenAPI document. */
export function CreateResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'createResponse',
      tag: 'Responses',
      summary: 'Ask an agent thread for a response',
      description:
        'OpenAI’s Responses API. What follows the last item of the agent becomes a turn of the thread. The same request attaches to the turn instead of starting another. With `stream` the answer is an event stream, else JSON; with `background` it is the response as it is now.',
    }),
    ApiExtraModels(CreateResponseDto),
    ApiHeader({
      name: 'thread-id',
      description: 'The thread `api:codex:<id>`. Codex sends it.',
      schema: { ...TEXT, examples: ['01a21555-04bd-7941-b19f-dc398e16ef0e'] },
    }),
    RequestHeaderDocs({
      toolBlocks:
        'The form of the sandbox’s tool calls: `mcp_call` items, lines of text, or none. `auto`: both for Codex, else items.',
      callerTools: 'Whether the agent can call the functions of the request. `auto`: on, except for Codex.',
    }),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateResponseDto) },
      examples: {
        whole: {
          summary: 'The complete response as JSON',
          value: { model: 'claude-opus-5-5', input: 'Which files are here?' },
        },
        continuing: {
          summary: 'Continue a response',
          value: { model: 'claude-opus-5-5', input: 'And which are large?', previous_response_id: EXAMPLE_RESPONSE.id },
        },
      },
    }),
    ResponseOrStream('The response of the turn. A turn that fails while it is streamed ends with `response.failed`.'),
    OpenaiErrorDocs(400, 404, 409, 413, 415),
  );
}

/** `GET /v1/responses/{id}` in the OpenAPI document. */
export function GetResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'getResponse',
      tag: 'Responses',
      summary: 'Read a response, or follow its events',
      description: 'With `stream=true` the events after `starting_after`, first a replay and then live.',
    }),
    ResponseIdParam(),
    ApiQuery({
      name: 'stream',
      required: false,
      description: 'Whether to send events.',
      schema: { ...oneOfTexts('true', 'false'), examples: ['true'] },
    }),
    ApiQuery({
      name: 'starting_after',
      required: false,
      description: 'The `sequence_number` of the last event that the reader has.',
      schema: { type: 'integer', minimum: 0, examples: [12] },
    }),
    ResponseOrStream('The response as it is now, or its events.'),
    OpenaiErrorDocs(400, 404),
  );
}

/** `DELETE /v1/responses/{id}` in the OpenAPI document. */
export function DeleteResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'deleteResponse',
      tag: 'Responses',
      summary: 'Forget a response',
      description: 'Nobody finds it any more. The thread and its agent keep what was said.',
    }),
    ResponseIdParam(),
    JsonResponseDocs({
      description: 'The response is deleted.',
      schema: object({ id: TEXT, object: oneOfTexts('response'), deleted: always(true) }),
      example: { id: EXAMPLE_RESPONSE.id, object: 'response', deleted: true },
    }),
    OpenaiErrorDocs(404),
  );
}

/** `GET /v1/responses/{id}/input_items` in the OpenAPI document. */
export function InputItemsDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({ id: 'listInputItems', tag: 'Responses', summary: 'List what a response answers' }),
    ResponseIdParam(),
    JsonResponseDocs({
      description: 'The message of the response’s turn.',
      schema: ref('ResponseInputItems'),
      example: EXAMPLE_INPUT_ITEMS,
    }),
    OpenaiErrorDocs(404),
  );
}

/** `POST /v1/responses/{id}/cancel` in the OpenAPI document. */
export function CancelResponseDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'cancelResponse',
      tag: 'Responses',
      summary: 'Interrupt the turn of a response',
      description: 'Answers with what there is of it once the turn has ended. One that had ended stays as it is.',
    }),
    ResponseIdParam(),
    JsonResponseDocs({ description: 'The response.', schema: ref('Response'), example: EXAMPLE_RESPONSE }),
    OpenaiErrorDocs(404),
  );
}
