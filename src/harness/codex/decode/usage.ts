import type { HarnessEvent, JsonObject, JsonValue, TokenUsage } from '../../../domain/harness-event.js';
import { asNumber, asObject, isJsonObject, withCamelCaseKeys } from '../../../domain/json.js';

/** What has to be remembered to count every model call once. */
export interface UsageState {
  readonly model: string;
  /** The counts of the thread's total at the newest update, as text; an update with the same total is a repetition. */
  readonly total: string | undefined;
  /** The newest model call: the size of the context with which the next one begins. */
  readonly newest: TokenUsage | undefined;
  /** Whether a model call was announced and is not counted yet. */
  readonly open: boolean;
}

/** No model call so far. */
export function initialUsage(model: string): UsageState {
  return { model, total: undefined, newest: undefined, open: false };
}

/**
 * Tokens as OpenAI counts them in Anthropic's counts: input without what was read from or written to the cache. Takes the
 * app-server's camel case and the dotted shape's snake case.
 */
export function toTokenUsage(value: JsonValue | undefined): TokenUsage {
  const counts = withCamelCaseKeys(asObject(value));
  const count = (name: string) => asNumber(counts[name]) ?? 0;
  const [cacheRead, cacheCreation] = [count('cachedInputTokens'), count('cacheWriteInputTokens')];
  return {
    inputTokens: Math.max(0, count('inputTokens') - cacheRead - cacheCreation),
    outputTokens: count('outputTokens'),
    cacheReadInputTokens: cacheRead,
    cacheCreationInputTokens: cacheCreation,
    thinkingTokens: count('reasoningOutputTokens'),
  };
}

/** A turn begins: announces its first model call with the context that is known from the turn before, if any. */
export function startTurnUsage(state: UsageState): readonly [UsageState, readonly HarnessEvent[]] {
  if (state.newest === undefined) return [{ ...state, open: false }, []];
  return [{ ...state, open: true }, [callStart(state.model, state.newest)]];
}

/**
 * One `thread/tokenUsage/updated`. Its `last` is one model call; it counts when its total is new and `counts` is true: an
 * update outside our turn only updates the context size.
 */
export function updateUsage(
  state: UsageState,
  tokenUsage: JsonObject,
  counts: boolean,
): readonly [UsageState, readonly HarnessEvent[]] {
  const total = toTotalKey(tokenUsage['total']);
  if (total === state.total) return [state, []];
  const newest = toTokenUsage(tokenUsage['last']);
  const next: UsageState = { ...state, total, newest, open: counts ? false : state.open };
  if (!counts) return [next, []];
  const end: HarnessEvent = { type: 'model-call-end', model: state.model, usage: newest };
  return [next, state.open ? [end] : [callStart(state.model, newest), end]];
}

const COUNTS = ['inputTokens', 'cachedInputTokens', 'outputTokens', 'totalTokens'] as const;

/** The same for a notification and for a recording, whose keys are in another case and order. */
function toTotalKey(total: JsonValue | undefined): string {
  const counts = withCamelCaseKeys(asObject(total));
  return isJsonObject(total) ? JSON.stringify(COUNTS.map((name) => counts[name] ?? null)) : JSON.stringify(total ?? null);
}

function callStart(model: string, usage: TokenUsage): HarnessEvent {
  return { type: 'model-call-start', model, usage: { ...usage, outputTokens: 0, thinkingTokens: 0 } };
}
