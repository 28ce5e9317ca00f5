import type { TokenUsage } from '../domain/harness-event.js';
import type { CacheCreation, Usage, UsageIteration } from './stream-event.js';

/** Zero tokens. */
export const NO_TOKENS: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  thinkingTokens: 0,
};

/** Adds two usages. */
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

/** Makes the entry of one model call in `usage.iterations`. Clients read the size of the context from the last entry. */
export function toUsageIteration(model: string, usage: TokenUsage): UsageIteration {
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
 * Makes the usage in `message_start`: the thread's context before the turn, as stored with the turn. It never includes the turn's own
 * model calls: a stream that starts before the first call cannot know them, and two readers of one turn would get different messages.
 * `message_delta` has the actual usage. Clients then correct every field except `cache_creation`, so that field is `null` here.
 *
 * @param known `null` for a new thread, which gives zeros.
 */
export function initialWireUsage(known: TokenUsage | null): Usage {
  return { ...wireUsage({ ...(known ?? NO_TOKENS), outputTokens: 0 }, null, null), cache_creation: null };
}

/**
 * Makes the usage in `message_delta`: the complete turn, with an entry per model call (`null` if there are none). SDK 1.12.0 copies
 * every field into the message except `cache_creation`, which it keeps from `message_start`.
 */
export function toTurnUsage(usage: TokenUsage, iterations: readonly UsageIteration[]): Usage {
  return wireUsage(usage, { thinking_tokens: usage.thinkingTokens }, iterations.length === 0 ? null : iterations);
}
