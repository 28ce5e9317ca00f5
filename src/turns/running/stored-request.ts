import type { JsonObject, JsonValue, TokenUsage } from '../../domain/harness-event.js';
import { isJsonObject } from '../../domain/json.js';
import type { SeedMessage } from '../../domain/seed-message.js';
import type { Thread } from '../../storage/stores/thread.store.js';
import type { Turn } from '../../storage/stores/turn.js';
import type { TranslateOptions } from '../../translator/translate.js';
import { toAnsweredModel } from '../answered-model.js';
import type { AgentSeed } from '../memory/thread-memory.js';
import type { TurnRequest } from '../turn-request.js';

/**
 * Returns the fields that a turn stores of its request, besides the prompt: its options, and the thread's context usage when it
 * was opened, so that every reader gets the same `message_start`.
 *
 * The last parameter is the earlier conversation that the agent does not know; none by default.
 */
export function toStoredRequest(
  thread: Thread | undefined,
  request: Partial<Pick<TurnRequest, 'outputSchema' | 'traceId'>> = {},
  { seed, isLost, dropFrom }: Omit<AgentSeed, 'prompt'> = { seed: [], isLost: false },
): JsonObject {
  return {
    contextUsage: thread?.contextUsage ?? null,
    ...(seed.length === 0 ? {} : { seed: asJson(seed) }),
    ...(isLost ? { historyLost: true } : {}),
    ...(dropFrom === undefined ? {} : { dropFrom }),
    ...(request.outputSchema === undefined ? {} : { outputSchema: request.outputSchema }),
    ...(request.traceId === undefined ? {} : { traceId: request.traceId }),
  };
}

function asJson(seed: readonly SeedMessage[]): JsonValue {
  const json: JsonValue = JSON.parse(JSON.stringify(seed));
  return json;
}

/** Reads the earlier conversation that seeds the turn's agent, if any. */
export function readSeed({ request }: Pick<Turn, 'request'>): readonly SeedMessage[] | undefined {
  const { seed, history } = request;
  // Only `toStoredRequest` writes either; `history` is a transcript, in a turn that an older server stored.
  if (Array.isArray(seed)) return seed;
  return Array.isArray(history) && history.length > 0 ? [{ role: 'user', content: history }] : undefined;
}

/** Reads the turn from which on the agent's record is to be removed before this turn, if any. */
export function readDropFrom({ request }: Pick<Turn, 'request'>): string | undefined {
  const { dropFrom } = request;
  return typeof dropFrom === 'string' ? dropFrom : undefined;
}

/** Whether the agent's own record of earlier turns was missing when the turn was opened. */
export function isHistoryLost(turn: Turn): boolean {
  return turn.request['historyLost'] === true;
}

/** Reads the JSON Schema that the turn's answer must follow, if any. */
export function readOutputSchema(turn: Turn): JsonObject | undefined {
  const { outputSchema } = turn.request;
  return isJsonObject(outputSchema) ? outputSchema : undefined;
}

/** The log fields of a turn: its id, and the trace id of the request that opened it, if it had one. */
export function toLogFields(turn: Turn): { readonly turnId: string; readonly traceId?: string } {
  const { traceId } = turn.request;
  return typeof traceId === 'string' ? { turnId: turn.id, traceId } : { turnId: turn.id };
}

/** Returns the translator's options for a turn. */
export function toTranslateOptions(turn: Turn, thread: Thread): TranslateOptions {
  return {
    messageId: turn.messageId,
    // The stored model wins: the thread may have another agent by now, and every reader must get the same message.
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
