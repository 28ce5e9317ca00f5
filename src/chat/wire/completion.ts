import type { TokenUsage } from '../../domain/harness-event.js';

/** Why an answer ended. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** A call of a function that the caller declared and runs. */
export interface FunctionCall {
  readonly id: string;
  readonly type: 'function';
  /** `arguments` is JSON. */
  readonly function: { readonly name: string; readonly arguments: string };
}

/**
 * A piece of a streamed answer. `reasoning_content` is no field of OpenAI's, which shows no reasoning in this API; it is the name that
 * DeepSeek gave it and that clients know. [@ai-sdk/openai-compatible 3.0.92]
 */
export type CompletionDelta =
  | { readonly content: string }
  | { readonly reasoning_content: string }
  | { readonly tool_calls: readonly [FunctionCall & { readonly index: number }] };

/** Tokens, as this API counts them: cached ones are part of `prompt_tokens`. */
export interface CompletionUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  readonly completion_tokens_details: { readonly reasoning_tokens: number };
}

/** The fields that each chunk of an answer has, and the whole answer. */
export interface CompletionFacts {
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly model: string;
}

/** The message of a whole answer. */
export interface CompletionMessage {
  readonly role: 'assistant';
  /** `null` for an answer that has only calls. */
  readonly content: string | null;
  readonly refusal: null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly FunctionCall[];
}

/** A whole answer. */
export interface Completion extends CompletionFacts {
  readonly object: 'chat.completion';
  readonly system_fingerprint: null;
  readonly choices: readonly [
    {
      readonly index: 0;
      readonly message: CompletionMessage;
      readonly logprobs: null;
      readonly finish_reason: FinishReason;
    },
  ];
  readonly usage: CompletionUsage;
}

/** Returns the id of the answer of a turn: that of its message with another prefix, so that all doors know the turn by it. */
export function toCompletionId(messageId: string): string {
  return messageId.replace(/^msg_/, 'chatcmpl-');
}

/** Converts tokens to the form of this API. A turn without model calls has none. */
export function toCompletionUsage(usage: TokenUsage | undefined): CompletionUsage {
  const { inputTokens = 0, cacheReadInputTokens = 0, cacheCreationInputTokens = 0, outputTokens = 0 } = usage ?? {};
  const prompt = inputTokens + cacheReadInputTokens + cacheCreationInputTokens;
  return {
    prompt_tokens: prompt,
    completion_tokens: outputTokens,
    total_tokens: prompt + outputTokens,
    prompt_tokens_details: { cached_tokens: cacheReadInputTokens },
    completion_tokens_details: { reasoning_tokens: usage?.thinkingTokens ?? 0 },
  };
}
