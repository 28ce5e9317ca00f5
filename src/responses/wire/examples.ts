import type { ResponseObject } from './response-object.js';

/** A response for the OpenAPI document. */
export const EXAMPLE_RESPONSE: ResponseObject = {
  id: 'resp_018f3c5b7a9d1e2f40c6a8b1',
  object: 'response',
  created_at: 1_795_654_223,
  status: 'completed',
  model: 'claude-opus-5-5',
  background: false,
  conversation: null,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  output: [
    {
      id: 'msg_018f3c5b7a9d1e2f40c6a8b1_0',
      type: 'message',
      status: 'completed',
      role: 'assistant',
      content: [{ type: 'output_text', text: 'There is one file, README.md.', annotations: [], logprobs: [] }],
      phase: 'final_answer',
    },
  ],
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  store: true,
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  truncation: 'disabled',
  usage: {
    input_tokens: 1200,
    input_tokens_details: { cached_tokens: 800 },
    output_tokens: 50,
    output_tokens_details: { reasoning_tokens: 10 },
    total_tokens: 1250,
  },
  user: null,
};

/** The end of a streamed response. */
export const EXAMPLE_EVENTS = `event: response.completed\ndata: ${JSON.stringify({
  type: 'response.completed',
  sequence_number: 8,
  response: EXAMPLE_RESPONSE,
})}\n\n`;

/** The input of a response. */
export const EXAMPLE_INPUT_ITEMS = {
  object: 'list',
  data: [
    {
      id: 'msg_018f3c5b7a9d1e2f40c6a8b1_input',
      type: 'message',
      role: 'user',
      status: 'completed',
      content: [{ type: 'input_text', text: 'Which files are here?' }],
    },
  ],
  first_id: 'msg_018f3c5b7a9d1e2f40c6a8b1_input',
  last_id: 'msg_018f3c5b7a9d1e2f40c6a8b1_input',
  has_more: false,
};
