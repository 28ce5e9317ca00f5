import {
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
} from '../../openapi/schema.js';

const FINISH_REASON = oneOfTexts('stop', 'length', 'tool_calls', 'content_filter');
const FACTS = { id: TEXT, created: INTEGER, model: TEXT, system_fingerprint: NULL };
const CALL = { id: TEXT, type: oneOfTexts('function'), function: object({ name: TEXT, arguments: TEXT }) };

/** The schemas of Chat Completions in the OpenAPI document. */
export const CHAT_SCHEMAS: Readonly<Record<string, Schema>> = {
  ChatCompletion: described(
    'A whole answer. `reasoning_content` has the thinking of the agent’s model.',
    object({
      ...FACTS,
      object: oneOfTexts('chat.completion'),
      choices: list(
        object({
          index: INTEGER,
          message: object(
            { role: oneOfTexts('assistant'), content: nullable(TEXT), refusal: NULL },
            { reasoning_content: TEXT, tool_calls: list(object(CALL)) },
          ),
          logprobs: NULL,
          finish_reason: FINISH_REASON,
        }),
      ),
      usage: ref('ChatCompletionUsage'),
    }),
  ),
  ChatCompletionUsage: object({
    prompt_tokens: INTEGER,
    completion_tokens: INTEGER,
    total_tokens: INTEGER,
    prompt_tokens_details: object({ cached_tokens: INTEGER }),
    completion_tokens_details: object({ reasoning_tokens: INTEGER }),
  }),
  ChatCompletionEvent: {
    anyOf: [ref('ChatCompletionChunk'), ref('OpenaiError')],
    description:
      'A chunk, or the error with which a turn fails in the middle. `[DONE]` follows the last chunk of an answer.',
  },
  ChatCompletionChunk: described(
    'A piece of a streamed answer.',
    object(
      {
        ...FACTS,
        object: oneOfTexts('chat.completion.chunk'),
        choices: list(
          object({
            index: INTEGER,
            delta: object(
              {},
              {
                role: oneOfTexts('assistant'),
                content: TEXT,
                reasoning_content: TEXT,
                tool_calls: list(object({ index: INTEGER, ...CALL })),
              },
            ),
            logprobs: NULL,
            finish_reason: nullable(FINISH_REASON),
          }),
        ),
      },
      { usage: nullable(ref('ChatCompletionUsage')) },
    ),
  ),
};
