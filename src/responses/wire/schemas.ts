import {
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
} from '../../openapi/schema.js';

const ITEM_STATUS = oneOfTexts('in_progress', 'completed', 'incomplete', 'failed');

/** The schemas of the Responses API in the OpenAPI document. */
export const RESPONSES_SCHEMAS: Readonly<Record<string, Schema>> = {
  Response: described(
    'A response. Fields of the API that are not listed have its defaults.',
    object({
      id: TEXT,
      object: oneOfTexts('response'),
      created_at: INTEGER,
      status: oneOfTexts('queued', 'in_progress', 'completed', 'incomplete', 'failed', 'cancelled'),
      model: TEXT,
      background: BOOLEAN,
      conversation: nullable(object({ id: TEXT })),
      error: nullable(object({ code: TEXT, message: TEXT })),
      incomplete_details: nullable(object({ reason: TEXT })),
      metadata: ANY_OBJECT,
      output: list(ref('ResponseOutputItem')),
      previous_response_id: nullable(TEXT),
      store: BOOLEAN,
      usage: nullable(ref('ResponseUsage')),
      instructions: NULL,
      max_output_tokens: NULL,
      parallel_tool_calls: BOOLEAN,
      reasoning: object({ effort: NULL, summary: NULL }),
      temperature: INTEGER,
      text: object({ format: ANY_OBJECT }),
      tool_choice: TEXT,
      tools: list(ANY_OBJECT),
      top_p: INTEGER,
      truncation: TEXT,
      user: NULL,
    }),
  ),
  ResponseUsage: object({
    input_tokens: INTEGER,
    input_tokens_details: object({ cached_tokens: INTEGER }),
    output_tokens: INTEGER,
    output_tokens_details: object({ reasoning_tokens: INTEGER }),
    total_tokens: INTEGER,
  }),
  ResponseOutputItem: {
    oneOf: [
      object(
        {
          id: TEXT,
          type: oneOfTexts('message'),
          status: ITEM_STATUS,
          role: oneOfTexts('assistant'),
          content: list(
            object({
              type: oneOfTexts('output_text'),
              text: TEXT,
              annotations: list(ANY_OBJECT),
              logprobs: list(ANY_OBJECT),
            }),
          ),
        },
        { phase: oneOfTexts('commentary', 'final_answer') },
      ),
      object(
        {
          id: TEXT,
          type: oneOfTexts('reasoning'),
          summary: list(object({ type: oneOfTexts('summary_text'), text: TEXT })),
        },
        { encrypted_content: TEXT },
      ),
      object({
        id: TEXT,
        type: oneOfTexts('mcp_call'),
        status: ITEM_STATUS,
        server_label: TEXT,
        name: TEXT,
        arguments: TEXT,
        output: nullable(TEXT),
        error: nullable(TEXT),
        approval_request_id: NULL,
      }),
      object({
        id: TEXT,
        type: oneOfTexts('function_call'),
        status: ITEM_STATUS,
        call_id: TEXT,
        name: TEXT,
        arguments: TEXT,
      }),
    ],
    description:
      'An item of the output. `mcp_call` is a tool that ran inside the sandbox; `function_call` is for the caller to run.',
  },
  ResponseStreamEvent: described(
    'An event of a streamed response. `response.created` comes first; `response.completed`, `response.incomplete`, `response.failed` or `response.cancelled` comes last and has the complete response.',
    object(
      { type: { type: 'string', pattern: '^response\\.' }, sequence_number: INTEGER },
      { response: ref('Response'), item: ref('ResponseOutputItem'), output_index: INTEGER, delta: TEXT },
    ),
  ),
  ResponseInputItems: object({
    object: oneOfTexts('list'),
    data: list(ANY_OBJECT),
    first_id: TEXT,
    last_id: TEXT,
    has_more: BOOLEAN,
  }),
};
