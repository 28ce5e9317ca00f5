import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiExtraModels, getSchemaPath } from '@nestjs/swagger';
import { AnswerOrStreamDocs, OpenaiErrorDocs, RequestHeaderDocs } from '../openai/openai.docs.js';
import { OperationDocs } from '../openapi/operation.js';
import { ref } from '../openapi/schema.js';
import { CreateCompletionDto } from './request/create-completion.dto.js';
import { EXAMPLE_CHUNKS, EXAMPLE_COMPLETION } from './wire/examples.js';

const MODEL = 'claude-opus-5-5';
const QUESTION = { role: 'user', content: 'Which files are here?' };

/** `POST /v1/chat/completions` in the OpenAPI document. */
export function CreateCompletionDocs(): MethodDecorator {
  return applyDecorators(
    OperationDocs({
      id: 'createChatCompletion',
      tag: 'Chat',
      summary: 'Ask an agent thread for an answer',
      description:
        'OpenAI’s Chat Completions. What follows the last message of the assistant becomes a turn of the thread. The same request attaches to the turn instead of starting another. With `stream` the answer is an event stream, else JSON.',
    }),
    ApiExtraModels(CreateCompletionDto),
    RequestHeaderDocs({
      toolBlocks: 'Whether the sandbox’s tool calls are lines of the answer: not with `none`.',
      callerTools: 'Whether the agent can call the functions of the request. `auto`: on.',
    }),
    ApiBody({
      schema: { $ref: getSchemaPath(CreateCompletionDto) },
      examples: {
        whole: { summary: 'The complete answer as JSON', value: { model: MODEL, messages: [QUESTION] } },
        continuing: {
          summary: 'Continue the conversation',
          value: {
            model: MODEL,
            messages: [
              QUESTION,
              { role: 'assistant', content: 'There is one file, README.md.' },
              { role: 'user', content: 'And is it large?' },
            ],
          },
        },
      },
    }),
    AnswerOrStreamDocs({
      description:
        'The answer of the turn. A turn that fails while it is streamed ends with an error instead of `[DONE]`.',
      answer: ref('ChatCompletion'),
      answerExample: EXAMPLE_COMPLETION,
      event: ref('ChatCompletionEvent'),
      eventsExample: EXAMPLE_CHUNKS,
    }),
    OpenaiErrorDocs(400, 404, 409, 413, 415),
  );
}
