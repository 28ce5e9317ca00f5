import type { JsonObject, JsonValue, TokenUsage } from '../../domain/harness-event.js';
import { isJsonObject } from '../../domain/json.js';
import type { Prompt } from '../../domain/prompt.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { TranslateOptions } from '../../translator/translate.js';
import { toAnsweredModel } from '../answered-model.js';
import type { AgentSeed } from '../memory/thread-memory.js';
import type { TurnRequest } from '../turn-request.js';

/**
 * What is stored of a turn's request besides its prompt: what the turn is run with, and what its thread's context is at its
 * beginning, so that every reader's `message_start` says the same.
 *
 * @param opening what was said before that the agent does not know, if anything.
 */
export function storedRequest(
  thread: Thread | undefined,
  request: Partial<Pick<TurnRequest, 'outputSchema' | 'traceId'>> = {},
  { seed, isLost }: AgentSeed = { seed: [], isLost: false },
): JsonObject {
  return {
    contextUsage: thread?.contextUsage ?? null,
    ...(seed.length === 0 ? {} : { history: asJson(seed) }),
    ...(isLost ? { historyLost: true } : {}),
    ...(request.outputSchema === undefined ? {} : { outputSchema: request.outputSchema }),
    ...(request.traceId === undefined ? {} : { traceId: request.traceId }),
  };
}

function asJson(prompt: Prompt): JsonValue {
  const json: JsonValue = JSON.parse(JSON.stringify(prompt));
  return json;
}

/** What was said before the turn that its agent has not heard, if anything. */
export function readSeedHistory(turn: Turn): Prompt | undefined {
  const { history } = turn.request;
  // Written by `storedRequest`, and by nothing else.
  return Array.isArray(history) ? history : undefined;
}

/** Whether the agent's own record of the turns before was gone when the turn was opened. */
export function isHistoryLost(turn: Turn): boolean {
  return turn.request['historyLost'] === true;
}

/** The JSON Schema that the turn's answer is to follow, if there is one. */
export function readOutputSchema(turn: Turn): JsonObject | undefined {
  const { outputSchema } = turn.request;
  return isJsonObject(outputSchema) ? outputSchema : undefined;
}

/** What names a turn in the log: its own id, and the trace of the request that began it, if that had one. */
export function logFields(turn: Turn): { readonly turnId: string; readonly traceId?: string } {
  const { traceId } = turn.request;
  return typeof traceId === 'string' ? { turnId: turn.id, traceId } : { turnId: turn.id };
}

/** What the translator needs to know of a turn. */
export function translateOptions(turn: Turn, thread: Thread): TranslateOptions {
  return {
    messageId: turn.messageId,
    // What the turn said stays, also when its thread has another agent by now: every reader gets the same message.
    model: turn.message?.model ?? toAnsweredModel(thread),
    knownUsage: tokenUsage(turn.request['contextUsage']),
  };
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
