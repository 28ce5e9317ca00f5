import type { HarnessEvent, JsonObject, JsonValue, TokenUsage } from '../../../domain/harness-event.js';
import { asNumber, asObject, withCamelCaseKeys } from '../../../domain/json.js';

/** What has to be remembered to count every model call once. */
export interface UsageState {
  readonly model: string;
  /** The thread's total at the newest update, as text; an update with the same total is a repetition. */
  readonly total: string | undefined;
  /** The newest model call: the size of the context with which the next one begins. */
  readonly newest: TokenUsage | undefined;
  /** Whether a model call was announced and is not counted yet. */
  readonly open: boolean;
  /** The newest model call, if it was counted before Codex notified it. */
  readonly ahead: TokenUsage | undefined;
}

/** No model call so far. */
export function initialUsage(model: string): UsageState {
  return { model, total: undefined, newest: undefined, open: false, ahead: undefined };
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
  const total = JSON.stringify(tokenUsage['total'] ?? null);
  if (total === state.total) return [state, []];
  const newest = toTokenUsage(tokenUsage['last']);
  const isCounted = state.ahead !== undefined && isSameUsage(state.ahead, newest);
  const next: UsageState = {
    ...state,
    total,
    newest,
    open: counts && !isCounted ? false : state.open,
    ahead: undefined,
  };
  if (!counts || isCounted) return [next, []];
  const end: HarnessEvent = { type: 'model-call-end', model: state.model, usage: newest };
  return [next, state.open ? [end] : [callStart(state.model, newest), end]];
}

/**
 * Counts a model call that Codex has not notified yet, as its tools have not answered. The update that follows is passed over; it is
 * known by its tokens, as the totals of a resumed conversation differ between its recording and its updates (0.169.0, seen).
 */
export function countAhead(state: UsageState, usage: JsonObject): readonly [UsageState, readonly HarnessEvent[]] {
  const ahead = toTokenUsage(usage);
  const end: HarnessEvent = { type: 'model-call-end', model: state.model, usage: ahead };
  const next: UsageState = { ...state, newest: ahead, open: false, ahead };
  return [next, state.open ? [end] : [callStart(state.model, ahead), end]];
}

function isSameUsage(one: TokenUsage, other: TokenUsage): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function callStart(model: string, usage: TokenUsage): HarnessEvent {
  return { type: 'model-call-start', model, usage: { ...usage, outputTokens: 0, thinkingTokens: 0 } };
}
