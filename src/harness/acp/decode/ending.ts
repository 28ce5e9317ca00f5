import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString } from '../../../domain/json.js';
import type { ProviderFailure } from '../../failures/provider-failure.js';
import { countTurn } from '../tokens/turn-usage.js';
import { endAcpBlock, releaseHeld } from './blocks.js';
import { parseFailureText, parsePromptError, type PromptError } from './failure.js';
import { type AcpState, type AcpStep, chainSteps, failedTurn } from './state.js';
import { endTools } from './tools.js';

/** How a prompt was answered. */
export interface PromptEnd {
  /** `undefined` for a prompt that was refused. */
  readonly result?: JsonObject;
  /** JSON-RPC's error. */
  readonly error?: PromptError;
  /** Whether it was cancelled before. */
  readonly isCancelled: boolean;
}

const SILENT: ProviderFailure = {
  kind: 'internal',
  message: 'The agent ended its turn without an answer. Its model may have refused the request.',
};

/** Ends the turn by the answer to its prompt: ends what is open, counts what was used, and says how it ended. */
export function endAcpTurn(state: AcpState, end: PromptEnd, now: number): AcpStep {
  const { result = {} } = end;
  // A turn that failed says no usage, or the same as before (recordings copilot.error-*).
  const [usage, counted] = countTurn(state.usage, state.dialect.usage, result);
  const last = toEnd(state, end, counted.length > 0);
  return chainSteps(
    { ...state, usage },
    (current) => (last.type === 'turn-failed' ? [{ ...current, held: undefined }, []] : releaseHeld(current)),
    endAcpBlock,
    (current) => endTools(current, now),
    (current) => [current, [...counted, last]],
  );
}

function toEnd(state: AcpState, { result, error, isCancelled }: PromptEnd, isCounted: boolean): HarnessEvent {
  if (error !== undefined)
    return isCancelled ? INTERRUPTED : (outOfTokens(error) ?? failedTurn(parsePromptError(error)));
  switch (asString(result?.['stopReason'])) {
    case 'cancelled':
      return INTERRUPTED;
    case 'max_tokens':
      return { type: 'turn-end', reason: 'max_tokens' };
    case 'refusal':
      return state.hasActed || state.held !== undefined ? { type: 'turn-end', reason: 'refusal' } : failedTurn(SILENT);
    case 'max_turn_requests':
      return failedTurn({ kind: 'internal', message: 'The agent stopped at its own limit of model calls.' });
    default:
      return isCancelled && !state.hasActed ? INTERRUPTED : endOfAnswer(state, isCounted);
  }
}

const INTERRUPTED: HarnessEvent = { type: 'turn-end', reason: 'interrupted' };

/** `end_turn`, behind which agents hide failures. */
function endOfAnswer({ failure, held, hasActed }: AcpState, isCounted: boolean): HarnessEvent {
  if (failure !== undefined) return failedTurn(failure === '' ? SILENT : parseFailureText(failure));
  if (held !== undefined && !isCounted) return failedTurn(parseFailureText(held.text));
  return hasActed || held !== undefined ? { type: 'turn-end', reason: 'end_turn' } : failedTurn(SILENT);
}

/** claude-agent-acp 0.101.0 fails a turn that was cut by the limit of the model's answer (recording claude.error-max_tokens). */
function outOfTokens({ data }: PromptError): HarnessEvent | undefined {
  return asObject(data)['errorKind'] === 'max_output_tokens' ? { type: 'turn-end', reason: 'max_tokens' } : undefined;
}
