import type { HarnessEvent, JsonObject, JsonValue, Refusal, TurnEndReason } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import { toToolResult } from '../decode/content.js';
import { parseApiFailure } from '../decode/failure.js';
import { parseErrorStop, toRefusal } from '../decode/stop.js';
import { ANSWER_TOOL, answerEvents, toMissingAnswerFailure } from '../decode/structured-output.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import { readBlocks, readMessage } from './entries.js';

const FINAL_STOPS: ReadonlySet<string> = new Set([
  'end_turn',
  'stop_sequence',
  'refusal',
  'model_context_window_exceeded',
]);

/** The end events of a turn of these entries, if it ended. `shape` is that of its answer, if it has to have one of a schema. */
export function findTurnEnd(
  turn: readonly JsonObject[],
  shape: SchemaWrapping | undefined,
): readonly HarnessEvent[] | undefined {
  const last = turn.findLast((entry) => entry['type'] === 'user' || entry['type'] === 'assistant');
  if (last === undefined) return undefined;
  const message = readMessage(last);
  if (last['isApiErrorMessage'] === true) return [endOfApiError(last)];
  const answer = shape === undefined ? undefined : givenAnswer(turn);
  if (shape !== undefined && answer !== undefined) return [...answerEvents(answer, shape), turnEnd('end_turn')];
  const stop = last['type'] === 'assistant' ? asString(message['stop_reason']) : undefined;
  if (stop === undefined || !FINAL_STOPS.has(stop)) return undefined;
  const reason = toEndReason(stop);
  // A live process would have requested the answer now; a resumed one considers the turn done.
  if (shape !== undefined && (reason === 'end_turn' || reason === 'stop_sequence')) return [toMissingAnswerFailure()];
  return [turnEnd(reason, toRefusal(message['stop_details']))];
}

/** The end of a turn whose last entry is Claude Code's message about a failed model call. */
export function endOfApiError(entry: JsonObject): HarnessEvent {
  const stop = parseErrorStop(readMessage(entry), entry['apiError'], entry['apiErrorParams']);
  if (stop !== undefined) return turnEnd(stop.reason, stop.refusal);
  const text = readBlocks(entry).map((block) => asString(block['text']) ?? '');
  const { apiErrorStatus = null, apiErrorType = null } = entry;
  return parseApiFailure({ api_error_status: apiErrorStatus, api_error_type: apiErrorType }, text.join(''));
}

function turnEnd(reason: TurnEndReason, refusal?: Refusal): HarnessEvent {
  return { type: 'turn-end', reason, ...(refusal === undefined ? {} : { refusal }) };
}

/** The input of the newest message's call that gave an answer of the schema: Claude Code 2.1.330 asks for nothing after it. */
function givenAnswer(turn: readonly JsonObject[]): JsonValue | undefined {
  const newest = readMessage(turn.findLast((entry) => entry['type'] === 'assistant') ?? {})['id'];
  const results = turn.flatMap(readBlocks).flatMap((block) => toToolResult(block) ?? []);
  const taken = new Set(results.filter(({ isError }) => !isError).map(({ id }) => id));
  return turn
    .filter((entry) => entry['type'] === 'assistant' && readMessage(entry)['id'] === newest)
    .flatMap(readBlocks)
    .findLast((block) => block['name'] === ANSWER_TOOL && taken.has(asString(block['id']) ?? ''))?.['input'];
}

function toEndReason(stop: string): 'stop_sequence' | 'refusal' | 'model_context_window_exceeded' | 'end_turn' {
  return stop === 'stop_sequence' || stop === 'refusal' || stop === 'model_context_window_exceeded' ? stop : 'end_turn';
}
