import type { HarnessEvent, JsonObject, JsonValue, Refusal, TurnEndReason } from '../../../domain/harness-event.js';
import { toUnstreamedBlockEvents } from '../decode/decode-unstreamed.js';
import { toToolCall, toToolResult } from '../decode/content.js';
import { parseApiFailure } from '../decode/failure.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';
import { toRefusal, parseErrorStop } from '../decode/stop.js';
import { ANSWER_TOOL, answerEvents, toMissingAnswerFailure } from '../decode/structured-output.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import {
  toBlockId,
  collectTranscriptIds,
  rebuildMissingEntries,
  withPositions,
  toResultEntry,
} from './missing-entries.js';

/** How to resume a turn that an earlier process started. */
export type TurnPlan =
  /** The transcript lacks the prompt: send it again. */
  | { readonly kind: 'prompt' }
  /** The turn is unfinished: append `entries` to the transcript, and Claude Code continues from there without a prompt. */
  | {
      readonly kind: 'continue';
      readonly entries: readonly JsonObject[];
      /**
       * Replays the turn from the transcript, as the log may lack some of it, with the results that `entries` give to the aborted tool
       * calls.
       */
      readonly events: readonly HarnessEvent[];
    }
  /** The turn had ended, but its end was not logged. `entries` complete the transcript for later turns. */
  | { readonly kind: 'ended'; readonly entries: readonly JsonObject[]; readonly events: readonly HarnessEvent[] };

/** Result of a tool call whose process died, for the model and the caller. */
export const TOOL_LOST_RESULT =
  "The agent's process died while this tool ran; it may have taken effect, and it was not run again.";

/** Result of a lost call of the answer tool, for the model. */
const ANSWER_LOST = 'Your answer was lost. Call this tool again with the whole of it.';

const FINAL_STOPS: ReadonlySet<string> = new Set([
  'end_turn',
  'stop_sequence',
  'refusal',
  'model_context_window_exceeded',
]);

/**
 * Reads a transcript of Claude Code 2.1.330 (one entry per content block; entries of one message share its id; sub-agents'
 * entries are `isSidechain`). The prompt's entry has the turn's id as `uuid`. `priorEvents` are the logged events of earlier
 * attempts: transcript and log may each have what the other lacks. `shape` is that of the answer, if the turn has to end with one of
 * a schema. Pure.
 */
export function planFromTranscript(
  entries: readonly JsonObject[],
  turnId: string,
  priorEvents: readonly HarnessEvent[] = [],
  shape?: SchemaWrapping,
): TurnPlan {
  const own = entries.filter((entry) => entry['isSidechain'] !== true);
  const begin = own.findIndex((entry) => entry['type'] === 'user' && entry['uuid'] === turnId);
  if (begin < 0) return { kind: 'prompt' };
  const turn = own.slice(begin);
  const missing = rebuildMissingEntries(priorEvents, collectTranscriptIds(turn));
  const completed = [...turn, ...missing];
  const hidden = answerCalls(completed);
  const events = turn.flatMap(entryDecoder(turn)).filter((event) => !isHidden(event, hidden));
  const end = findTurnEnd(completed, shape);
  if (end !== undefined) return { kind: 'ended', entries: chainEntries(missing, turn), events: [...events, ...end] };
  const lostResults = unansweredCalls(completed).map((id) => ({
    type: 'tool_result',
    tool_use_id: id,
    content: hidden.has(id) ? ANSWER_LOST : TOOL_LOST_RESULT,
    is_error: true,
  }));
  const results = lostResults.flatMap((block) => toToolResult(block) ?? []).filter(({ id }) => !hidden.has(id));
  return {
    kind: 'continue',
    entries: chainEntries(lostResults.length === 0 ? missing : [...missing, toResultEntry(lostResults)], turn),
    events: [...events, ...results],
  };
}

/** The end events of the turn, if it ended. */
function findTurnEnd(
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

function answerCalls(turn: readonly JsonObject[]): ReadonlySet<string> {
  const calls = turn
    .flatMap(readBlocks)
    .filter((block) => block['type'] === 'tool_use' && block['name'] === ANSWER_TOOL);
  return new Set(calls.flatMap((block) => asString(block['id']) ?? []));
}

function isHidden(event: HarnessEvent, hidden: ReadonlySet<string>): boolean {
  return (event.type === 'tool-call' || event.type === 'tool-result') && hidden.has(event.id);
}

function unansweredCalls(turn: readonly JsonObject[]): readonly string[] {
  const blocks = turn.flatMap(readBlocks);
  const answered = new Set(blocks.flatMap((block) => toToolResult(block)?.id ?? []));
  const calls = blocks.flatMap((block) => (block['type'] === 'tool_use' ? (toToolCall(block)?.id ?? []) : []));
  return [...new Set(calls)].filter((id) => !answered.has(id));
}

/** Links new entries to the last entry of the turn. */
function chainEntries(entries: readonly JsonObject[], turn: readonly JsonObject[]): readonly JsonObject[] {
  const parent = turn.findLast((entry) => asString(entry['uuid']) !== undefined);
  if (parent === undefined) return [];
  const { sessionId, cwd, version, gitBranch } = parent;
  const place = definedOnly({ sessionId, cwd, version, gitBranch });
  return entries.map((entry) => ({
    parentUuid: parent['uuid'] ?? null,
    isSidechain: false,
    ...entry,
    userType: 'external',
    ...place,
  }));
}

/** Decodes an entry as the dead process would have; replayed blocks keep their ids, so that duplicates are dropped. */
function entryDecoder(turn: readonly JsonObject[]): (entry: JsonObject) => readonly HarnessEvent[] {
  const names = new Map(withPositions(turn).map(([entry, position]) => [entry, toBlockId(entry, position)]));
  return (entry) => {
    // Claude Code's own words about a failed call.
    if (entry['isApiErrorMessage'] === true) return [];
    const name = names.get(entry);
    if (name === undefined) return readBlocks(entry).flatMap((block) => toToolResult(block) ?? []);
    return readBlocks(entry).flatMap((block) =>
      block['type'] === 'tool_use' ? (toToolCall(block) ?? []) : toUnstreamedBlockEvents(block, name),
    );
  };
}

function toEndReason(stop: string): 'stop_sequence' | 'refusal' | 'model_context_window_exceeded' | 'end_turn' {
  return stop === 'stop_sequence' || stop === 'refusal' || stop === 'model_context_window_exceeded' ? stop : 'end_turn';
}

function readMessage(entry: JsonObject): JsonObject {
  return asObject(entry['message']);
}

function readBlocks(entry: JsonObject): readonly JsonObject[] {
  return asObjects(readMessage(entry)['content']);
}

function definedOnly(fields: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
