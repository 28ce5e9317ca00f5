import type { Completion } from './completion.js';

/** An answer for the OpenAPI document. */
export const EXAMPLE_COMPLETION: Completion = {
  id: 'chatcmpl-018f3c5b7a9d1e2f40c6a8b1',
  object: 'chat.completion',
  created: 1_795_654_223,
  model: 'claude-opus-5-5',
  system_fingerprint: null,
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'There is one file, README.md.', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: {
    prompt_tokens: 1200,
    completion_tokens: 50,
    total_tokens: 1250,
    prompt_tokens_details: { cached_tokens: 800 },
    completion_tokens_details: { reasoning_tokens: 10 },
  },
};

const { id, created, model, system_fingerprint } = EXAMPLE_COMPLETION;

/** The end of a streamed answer. */
export const EXAMPLE_CHUNKS = `data: ${JSON.stringify({
  id,
  object: 'chat.completion.chunk',
  created,
  model,
  system_fingerprint,
  choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }],
})}\n\ndata: [DONE]\n\n`;
