import type { JsonObject, JsonValue, Refusal, TurnEndReason } from '../../../domain/harness-event.js';
import { isJsonObject, asObject, asString } from '../../../domain/json.js';

/** A regular end of a turn that Claude Code reports as an error. */
export interface ErrorStop {
  readonly reason: Extract<TurnEndReason, 'refusal' | 'max_tokens' | 'model_context_window_exceeded'>;
  readonly refusal: Refusal | undefined;
}

/**
 * Parses a synthetic error message of Claude Code 2.1.330; `undefined` for a failure. A refusal keeps its stop reason and details
 * (recording claude-refusal). After three more truncated answers, the error is `max_output_tokens`, whichever limit truncated them
 * (recording claude-context-window).
 *
 * @param error `api_error` of a line, `apiError` of a transcript's entry; `details` are its `…_params`.
 */
export function parseErrorStop(
  message: JsonObject,
  error: JsonValue | undefined,
  details: JsonValue | undefined,
): ErrorStop | undefined {
  if (message['stop_reason'] === 'refusal') return { reason: 'refusal', refusal: toRefusal(message['stop_details']) };
  if (error !== 'max_output_tokens') return undefined;
  const byContext = asObject(details)['cut'] === 'context_window';
  return { reason: byContext ? 'model_context_window_exceeded' : 'max_tokens', refusal: undefined };
}

/** Converts Anthropic's `stop_details`; `undefined` unless they describe a refusal. */
export function toRefusal(details: JsonValue | undefined): Refusal | undefined {
  if (!isJsonObject(details) || details['type'] !== 'refusal') return undefined;
  return { category: asString(details['category']) ?? null, explanation: asString(details['explanation']) ?? null };
}
