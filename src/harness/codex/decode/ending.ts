import type { HarnessEvent, JsonObject, JsonValue, TokenUsage } from '../../../domain/harness-event.js';
import { parseCodexFailure } from './failure.js';
import { abandonedResult } from './items.js';
import { isJsonObject, asObject, asString } from '../../../domain/json.js';
import type { CodexState, CodexStep } from './state.js';
import { toTurnEnd } from './stop.js';
import { toTokenUsage } from './usage.js';

/** `turn/completed`, which is also how a turn that failed or was interrupted ends. */
export function decodeTurnCompleted(state: CodexState, parameters: JsonObject): CodexStep {
  const turn = asObject(parameters['turn']);
  const status = asString(turn['status']) ?? asString(parameters['status']) ?? 'completed';
  switch (status) {
    case 'completed':
    case 'succeeded':
    case 'success':
      // Codex 0.169.0 begins with a message that holds a refusal, and drops it without a word (seen); any other message is completed.
      return end(state, {
        type: 'turn-end',
        reason: state.begun === undefined ? 'end_turn' : 'refusal',
        ...readTotal(parameters),
      });
    case 'interrupted':
    case 'cancelled':
      return end(state, { type: 'turn-end', reason: 'interrupted' });
    default:
      return stopOrFail(state, turn['error'] ?? parameters['error']);
  }
}

/** `turn.done` of the dotted shape. Its `result` is the complete answer; it is emitted only if no text was. */
export function endTurn(state: CodexState, parameters: JsonObject): CodexStep {
  const text = asString(parameters['result']) ?? '';
  const id = `result-${state.named}`;
  const answer: readonly HarnessEvent[] =
    state.spoke || text === ''
      ? []
      : [
          { type: 'text-delta', id, text },
          { type: 'block-end', id },
        ];
  const [next, events] = end(state, { type: 'turn-end', reason: 'end_turn', ...readTotal(parameters) });
  return [next, [...answer, ...events]];
}

/**
 * An `error` fails the turn at once, as no `turn/completed` follows in every shape; one that does follow finds the turn ended.
 * Codex 0.169.0 says with `willRetry`, and the dotted shape with the text alone, that it retries.
 */
export function decodeError(state: CodexState, parameters: JsonObject): CodexStep {
  const error = parameters['error'] ?? parameters['message'];
  const info = asObject(error)['codexErrorInfo'];
  // These two answer a request that we made wrongly; the turn continues.
  if (info === 'threadRollbackFailed' || (isJsonObject(info) && 'activeTurnNotSteerable' in info)) return [state, []];
  const failure = parseCodexFailure(error);
  const retrying = parameters['willRetry'] === true || /^Reconnecting\b/.test(failure.message);
  // What had begun is given up for a new message.
  return retrying
    ? [{ ...state, begun: undefined }, [{ type: 'notice', kind: 'retrying', message: failure.message }]]
    : stopOrFail(state, error);
}

/** Ends the turn with what an error says of it: mostly a failure. */
export function stopOrFail(state: CodexState, error: JsonValue | undefined): CodexStep {
  return end(state, toTurnEnd(error) ?? { type: 'turn-failed', ...parseCodexFailure(error) });
}

/** Closes open blocks and calls, so that no reader waits for them, and emits the end. */
function end(state: CodexState, event: HarnessEvent): CodexStep {
  const blocks = [...state.blocks.values()].filter((block) => block.text !== '');
  const events: readonly HarnessEvent[] = [
    ...blocks.map((block): HarnessEvent => ({ type: 'block-end', id: block.id })),
    ...[...state.calls].map(abandonedResult),
    event,
  ];
  return [{ ...state, phase: 'ended', blocks: new Map(), calls: new Set(), begun: undefined }, events];
}

/** The dotted shape counts the whole turn once, at its end (recording centaur-dotted). */
function readTotal(parameters: JsonObject): { readonly usage?: TokenUsage } {
  const usage = parameters['usage'];
  return isJsonObject(usage) ? { usage: toTokenUsage(usage) } : {};
}
