import type { JsonObject, TokenUsage } from '../../domain/harness-event.js';
import type { OutputItem } from './output-item.js';
import type { OpenaiFailure } from '../../openai/errors/failure-form.js';

/** The state of a response. */
export type ResponseStatus = 'queued' | 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

/** Tokens, as the Responses API counts them: cached ones are part of `input_tokens`. Its types require all fields. */
export interface ResponseUsage {
  readonly input_tokens: number;
  readonly input_tokens_details: { readonly cached_tokens: number };
  readonly output_tokens: number;
  readonly output_tokens_details: { readonly reasoning_tokens: number };
  readonly total_tokens: number;
}

/** The fields of a response that its request fixes. Those that Chiron does not use have the API's defaults. */
export interface ResponseFacts {
  readonly id: string;
  readonly object: 'response';
  /** Seconds since the epoch. */
  readonly created_at: number;
  readonly model: string;
  readonly background: boolean;
  readonly conversation: { readonly id: string } | null;
  readonly instructions: null;
  readonly max_output_tokens: null;
  readonly metadata: JsonObject;
  readonly parallel_tool_calls: boolean;
  readonly previous_response_id: string | null;
  readonly reasoning: { readonly effort: null; readonly summary: null };
  readonly store: boolean;
  readonly temperature: number;
  readonly text: { readonly format: JsonObject };
  readonly tool_choice: 'auto';
  readonly tools: readonly never[];
  readonly top_p: number;
  readonly truncation: 'disabled';
  readonly user: null;
}

/** A response of the Responses API. */
export interface ResponseObject extends ResponseFacts {
  readonly status: ResponseStatus;
  readonly error: OpenaiFailure | null;
  readonly incomplete_details: { readonly reason: 'max_output_tokens' } | null;
  readonly output: readonly OutputItem[];
  readonly usage: ResponseUsage | null;
}

/** Converts tokens to the form of the Responses API. */
export function toResponseUsage(usage: TokenUsage): ResponseUsage {
  const input = usage.inputTokens + usage.cacheReadInputTokens + usage.cacheCreationInputTokens;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheReadInputTokens },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.thinkingTokens },
    total_tokens: input + usage.outputTokens,
  };
}
