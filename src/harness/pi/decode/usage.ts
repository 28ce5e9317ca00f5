import type { JsonValue, TokenUsage } from '../../../domain/harness-event.js';
import { asNumber, asObject } from '../../../domain/json.js';

/** Reads pi's `usage`, which counts as Anthropic does: input without the cache, output with the thinking (1.6.0, message-types.md, and seen). */
export function toPiUsage(value: JsonValue | undefined): TokenUsage {
  const usage = asObject(value);
  const count = (name: string): number => asNumber(usage[name]) ?? 0;
  const hour = count('cacheWrite1h');
  return {
    inputTokens: count('input'),
    outputTokens: count('output'),
    cacheReadInputTokens: count('cacheRead'),
    cacheCreationInputTokens: count('cacheWrite'),
    ...(hour === 0 ? {} : { cacheCreation1hInputTokens: hour }),
    thinkingTokens: count('reasoning'),
  };
}

/** The same without its output, as it is known when a call begins. */
export function withoutOutput(usage: TokenUsage): TokenUsage {
  return { ...usage, outputTokens: 0, thinkingTokens: 0 };
}

/** Whether the provider has counted anything; it counts nothing of a call that it refuses. */
export function hasTokens({ inputTokens, outputTokens, ...cached }: TokenUsage): boolean {
  return inputTokens + outputTokens + cached.cacheReadInputTokens + cached.cacheCreationInputTokens > 0;
}
