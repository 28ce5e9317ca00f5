import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import { parsePiFailure } from './failure.js';
import type { PiStop } from './state.js';

/** How a message of the model ended. */
export function toPiStop(message: JsonObject): PiStop {
  return {
    stopReason: asString(message['stopReason']) ?? 'stop',
    rawStopReason: asString(message['rawStopReason']),
    errorMessage: asString(message['errorMessage']),
  };
}

/**
 * The end of a turn whose newest message of the model ended so; `undefined` for a turn without any. Pi 1.6.0 tells a refusal, and a
 * context window that is full, as an error (recordings pi-1.6.0-refusal and pi-1.6.0-window).
 */
export function toPiEnd(stop: PiStop | undefined, isAborted: boolean): HarnessEvent {
  if (isAborted || stop?.stopReason === 'aborted') return { type: 'turn-end', reason: 'interrupted' };
  switch (stop?.stopReason) {
    case undefined:
      return { type: 'turn-failed', kind: 'internal', message: 'The agent ended the turn without an answer.' };
    case 'length':
      return { type: 'turn-end', reason: 'max_tokens' };
    case 'error':
      return toErrorEnd(stop);
    case 'deferred':
      return { type: 'turn-failed', kind: 'internal', message: 'The model provider has put its answer off.' };
    default:
      return { type: 'turn-end', reason: 'end_turn' };
  }
}

function toErrorEnd(stop: PiStop | undefined): HarnessEvent {
  const explanation = stop?.errorMessage ?? null;
  switch (stop?.rawStopReason) {
    case 'refusal':
      return { type: 'turn-end', reason: 'refusal', refusal: { category: null, explanation } };
    case 'model_context_window_exceeded':
      return { type: 'turn-end', reason: 'model_context_window_exceeded' };
    default:
      return parsePiFailure(stop?.errorMessage);
  }
}
