import type { JsonObject, TokenUsage } from '../harness/harness-event.js';
import type { Thread } from '../storage/thread.store.js';
import type { Turn } from '../storage/turn.js';
import type { TranslateOptions } from '../translator/translate.js';

/** What a turn keeps of its thread at its beginning, so that every reader's `message_start` says the same. */
export function turnRequest(thread: Thread | undefined): JsonObject {
  return { contextUsage: thread?.contextUsage ?? null };
}

/** What the translator needs to know of a turn. */
export function translateOptions(turn: Turn, thread: Thread): TranslateOptions {
  return { messageId: turn.messageId, model: thread.model, knownUsage: tokenUsage(turn.request['contextUsage']) };
}

function tokenUsage(stored: JsonObject[string] | undefined): TokenUsage | null {
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return null;
  const fields = new Map(Object.entries(stored));
  const count = (name: keyof TokenUsage): number => {
    const value = fields.get(name);
    return typeof value === 'number' ? value : 0;
  };
  const hour = count('cacheCreation1hInputTokens');
  return {
    inputTokens: count('inputTokens'),
    outputTokens: count('outputTokens'),
    cacheReadInputTokens: count('cacheReadInputTokens'),
    cacheCreationInputTokens: count('cacheCreationInputTokens'),
    thinkingTokens: count('thinkingTokens'),
    ...(hour === 0 ? {} : { cacheCreation1hInputTokens: hour }),
  };
}
