import type { TokenUsage } from '../domain/harness-event.js';
import type { CacheCreation, Usage, UsageIteration } from './stream-event.js';

/** The usage of nothing. */
export const NO_TOKENS: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  thinkingTokens: 0,
};

/** The sum of two usages. */
export function addUsage(one: TokenUsage, other: TokenUsage): TokenUsage {
  const cacheCreation1hInputTokens = (one.cacheCreation1hInputTokens ?? 0) + (other.cacheCreation1hInputTokens ?? 0);
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cacheReadInputTokens: one.cacheReadInputTokens + other.cacheReadInputTokens,
    cacheCreationInputTokens: one.cacheCreationInputTokens + other.cacheCreationInputTokens,
    thinkingTokens: one.thinkingTokens + other.thinkingTokens,
    ...(cacheCreation1hInputTokens === 0 ? {} : { cacheCreation1hInputTokens }),
  };
}

/** One model call as an entry of `usage.iterations`; the last entry is what clients take for the size of the context. */
export function usageIteration(model: string, usage: TokenUsage): UsageIteration {
  return {
    type: 'message',
    model,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_creation_input_tokens: usage.cacheCreationInputTokens,
    cache_read_input_tokens: usage.cacheReadInputTokens,
    cache_creation: toCacheCreation(usage),
  };
}

function toCacheCreation({ cacheCreationInputTokens, cacheCreation1hInputTokens = 0 }: TokenUsage): CacheCreation {
  return {
    ephemeral_5m_input_tokens: Math.max(0, cacheCreationInputTokens - cacheCreation1hInputTokens),
    ephemeral_1h_input_tokens: cacheCreation1hInputTokens,
  };
}

function wireUsage(
  usage: TokenUsage,
  details: Usage['output_tokens_details'],
  iterations: readonly UsageIteration[] | null,
): Usage {
  return {
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_creation_input_tokens: usage.cacheCreationInputTokens,
    cache_read_input_tokens: usage.cacheReadInputTokens,
    cache_creation: toCacheCreation(usage),
    output_tokens_details: details,
    server_tool_use: null,
    service_tier: 'standard',
    speed: null,
    inference_geo: null,
    iterations,
  };
}

/**
 * The usage in `message_start`: the thread's context before the turn, as it was stored with the turn. Never that of the turn's own model
 * calls: a stream that began before the first of them could not tell it, and two readers of one turn would get two messages. What the
 * turn really used is in `message_delta`, by which clients correct all of it but `cache_creation`, which is therefore left out here.
 *
 * @param known `null` for a new thread: zeros.
 */
export function initialWireUsage(known: TokenUsage | null): Usage {
  return { ...wireUsage({ ...(known ?? NO_TOKENS), outputTokens: 0 }, null, null), cache_creation: null };
}

/**
 * The usage in `message_delta`: the whole turn, with an entry per model call (`null` rather than none). SDK 1.12.0 takes all of it
 * into the message but `cache_creation`, of which it keeps the one in `message_start`.
 */
export function turnUsage(usage: TokenUsage, iterations: readonly UsageIteration[]): Usage {
  return wireUsage(usage, { thinking_tokens: usage.thinkingTokens }, iterations.length === 0 ? null : iterations);
}
