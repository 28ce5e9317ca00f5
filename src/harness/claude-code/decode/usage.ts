import type { JsonValue, TokenUsage } from '../../../domain/harness-event.js';
import { asNumber, asObject } from '../../../domain/json.js';

/** No tokens at all. */
export const NO_USAGE: TokenUsage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  thinkingTokens: 0,
};

/** Converts Anthropic's usage object; a missing field keeps its value from `before`. */
export function parseUsage(value: JsonValue | undefined, before: TokenUsage = NO_USAGE): TokenUsage {
  const usage = asObject(value);
  const details = asObject(usage['output_tokens_details']);
  const hour = asNumber(asObject(usage['cache_creation'])['ephemeral_1h_input_tokens']) ?? hourTokens(before);
  return {
    inputTokens: asNumber(usage['input_tokens']) ?? before.inputTokens,
    outputTokens: asNumber(usage['output_tokens']) ?? before.outputTokens,
    cacheReadInputTokens: asNumber(usage['cache_read_input_tokens']) ?? before.cacheReadInputTokens,
    cacheCreationInputTokens: asNumber(usage['cache_creation_input_tokens']) ?? before.cacheCreationInputTokens,
    thinkingTokens: asNumber(details['thinking_tokens']) ?? before.thinkingTokens,
    ...withHour(hour),
  };
}

/** The sum of two usages. */
export function addCallUsage(left: TokenUsage, right: TokenUsage): TokenUsage {
  return combine(left, right, (a, b) => a + b);
}

/** Subtracts `part` from `total`; never below zero. */
export function subtractUsage(total: TokenUsage, part: TokenUsage): TokenUsage {
  return combine(total, part, (a, b) => Math.max(0, a - b));
}

/** Whether any token was counted. */
export function isUsed(usage: TokenUsage): boolean {
  return Object.values(usage).some((tokens) => tokens !== 0);
}

function combine(left: TokenUsage, right: TokenUsage, operation: (a: number, b: number) => number): TokenUsage {
  return {
    inputTokens: operation(left.inputTokens, right.inputTokens),
    outputTokens: operation(left.outputTokens, right.outputTokens),
    cacheReadInputTokens: operation(left.cacheReadInputTokens, right.cacheReadInputTokens),
    cacheCreationInputTokens: operation(left.cacheCreationInputTokens, right.cacheCreationInputTokens),
    thinkingTokens: operation(left.thinkingTokens, right.thinkingTokens),
    ...withHour(operation(hourTokens(left), hourTokens(right))),
  };
}

function hourTokens(usage: TokenUsage): number {
  return usage.cacheCreation1hInputTokens ?? 0;
}

function withHour(tokens: number): Pick<TokenUsage, 'cacheCreation1hInputTokens'> {
  return tokens === 0 ? {} : { cacheCreation1hInputTokens: tokens };
}
