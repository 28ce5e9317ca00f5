import type { HarnessEvent, JsonObject, JsonValue, TokenUsage } from '../../../domain/harness-event.js';
import { asNumber, isJsonObject } from '../../../domain/json.js';

/**
 * Tokens in Anthropic's counts, from a `usage` object of the protocol. Agents differ in whether `inputTokens` includes cached tokens, and
 * `outputTokens` the thinking; the sum in `totalTokens` tells which it is (all recordings that have it). `undefined` for none, and for counts of zero, which agents give of a
 * turn that was cancelled (recording opencode.cancel-text).
 */
export function toAcpUsage(value: JsonValue | undefined): TokenUsage | undefined {
  if (!isJsonObject(value)) return undefined;
  const count = (name: string): number => Math.max(0, asNumber(value[name]) ?? 0);
  const [input, output, thinking] = [count('inputTokens'), count('outputTokens'), count('thoughtTokens')];
  const [cacheRead, cacheCreation] = [count('cachedReadTokens'), count('cachedWriteTokens')];
  if (input + output + thinking + cacheRead + cacheCreation === 0) return undefined;
  const cached = cacheRead + cacheCreation;
  const total = count('totalTokens');
  const includesCached = total === input + output || total === input + output + thinking;
  const addsThinking = thinking > 0 && total === input + output + thinking + (includesCached ? 0 : cached);
  return {
    inputTokens: includesCached ? Math.max(0, input - cached) : input,
    outputTokens: addsThinking ? output + thinking : output,
    cacheReadInputTokens: cacheRead,
    cacheCreationInputTokens: cacheCreation,
    thinkingTokens: thinking,
  };
}

/** Tokens from a `token_count` of Gemini CLI 0.61.0, which tells neither of cached tokens nor of thinking (recording gemini.text). */
export function toQuotaUsage(count: JsonObject): TokenUsage | undefined {
  const [input, output] = [asNumber(count['input_tokens']) ?? 0, asNumber(count['output_tokens']) ?? 0];
  if (input + output === 0) return undefined;
  return {
    inputTokens: input,
    outputTokens: output,
    cacheReadInputTokens: 0,
    cacheCreationInputTokens: 0,
    thinkingTokens: 0,
  };
}

/** What was used since an earlier count; the whole count if it is smaller than the earlier one, as it began anew then. */
export function subtractEarlier(usage: TokenUsage, earlier: TokenUsage | undefined): TokenUsage | undefined {
  if (earlier === undefined || usage.outputTokens < earlier.outputTokens) return usage;
  const rest: TokenUsage = {
    inputTokens: Math.max(0, usage.inputTokens - earlier.inputTokens),
    outputTokens: usage.outputTokens - earlier.outputTokens,
    cacheReadInputTokens: Math.max(0, usage.cacheReadInputTokens - earlier.cacheReadInputTokens),
    cacheCreationInputTokens: Math.max(0, usage.cacheCreationInputTokens - earlier.cacheCreationInputTokens),
    thinkingTokens: Math.max(0, usage.thinkingTokens - earlier.thinkingTokens),
  };
  return rest.inputTokens + rest.outputTokens + rest.cacheReadInputTokens === 0 ? undefined : rest;
}

/** The events of a model call, or of several that the agent counts as one. */
export function callEvents(model: string, usage: TokenUsage): readonly HarnessEvent[] {
  return [
    { type: 'model-call-start', model, usage: { ...usage, outputTokens: 0, thinkingTokens: 0 } },
    { type: 'model-call-end', model, usage },
  ];
}
