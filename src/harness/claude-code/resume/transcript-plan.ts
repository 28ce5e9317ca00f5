import type { HarnessEvent, JsonObject, JsonValue, Refusal, TurnEndReason } from '../../../domain/harness-event.js';
import { unstreamedBlockEvents } from '../decode/decode-unstreamed.js';
import { toToolCall, toToolResult } from '../decode/content.js';
import { parseApiFailure } from '../decode/failure.js';
import { asObject, asObjects, asString } from '../../../domain/json.js';
import { toRefusal, parseErrorStop } from '../decode/stop.js';
import { ANSWER_TOOL, answerEvents, missingAnswerFailure } from '../decode/structured-output.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import {
  blockId,
  collectTranscriptIds,
  rebuildMissingEntries,
  withPositions,
  resultEntry,
} from './transcript-repair.js';

/** What is to be done about a turn that an earlier process has begun. */
export type TurnPlan =
  /** The process never wrote the prompt down: it is given again. */
  | { readonly kind: 'prompt' }
  /** The turn is in the middle: `entries` are appended to the transcript, and Claude Code goes on from there by itself. */
  | {
      readonly kind: 'continue';
      readonly entries: readonly JsonObject[];
      /**
       * Everything that the transcript has of the turn, as not all of it may have been heard, and the results that the entries give
       * to the tool calls that died with their process.
       */
      readonly events: readonly HarnessEvent[];
    }
  /** The turn had ended, and only nobody heard it. `entries` are what is missing in the transcript for the turns to come. */
  | { readonly kind: 'ended'; readonly entries: readonly JsonObject[]; readonly events: readonly HarnessEvent[] };

/** What a tool call whose process died answers, to the model and to the caller. */
export const TOOL_LOST_RESULT =
  "The agent's process died while this tool ran; it may have taken effect, and it was not run again.";

/** What the tool answers by which an answer of a schema is given, when its process died. */
const ANSWER_LOST = 'Your answer was lost. Call this tool again with the whole of it.';

const FINAL_STOPS: ReadonlySet<string> = new Set([
  'end_turn',
  'stop_sequence',
  'refusal',
  'model_context_window_exceeded',
]);

/**
 * Reads a transcript of Claude Code 2.1.330 (one entry per content block; entries of one message share its id; sub-agents'
 * entries are `isSidechain`). The prompt's entry has the turn's id as `uuid`. `said` is what earlier attempts told, as far as it
 * was logged: each of the two may have what the other lacks. `shape` is that of the answer, if the turn has to end with one of
 * a schema. Pure.
 */
export function planFromTranscript(
  entries: readonly JsonObject[],
  turnId: string,
  said: readonly HarnessEvent[] = [],
  shape?: SchemaWrapping,
): TurnPlan {
  const own = entries.filter((entry) => entry['isSidechain'] !== true);
  const begin = own.findIndex((entry) => entry['type'] === 'user' && entry['uuid'] === turnId);
  if (begin < 0) return { kind: 'prompt' };
  const turn = own.slice(begin);
  const lost = rebuildMissingEntries(said, collectTranscriptIds(turn));
  const whole = [...turn, ...lost];
  const hidden = answerCalls(whole);
  const events = turn.flatMap(entryDecoder(turn)).filter((event) => !isHidden(event, hidden));
  const end = findTurnEnd(whole, shape);
  if (end !== undefined) return { kind: 'ended', entries: chainEntries(lost, turn), events: [...events, ...end] };
  const died = unansweredCalls(whole).map((id) => ({
    type: 'tool_result',
    tool_use_id: id,
    content: hidden.has(id) ? ANSWER_LOST : TOOL_LOST_RESULT,
    is_error: true,
  }));
  const results = died.flatMap((block) => toToolResult(block) ?? []).filter(({ id }) => !hidden.has(id));
  return {
    kind: 'continue',
    entries: chainEntries(died.length === 0 ? lost : [...lost, resultEntry(died)], turn),
    events: [...events, ...results],
  };
}

/** How the turn ended, if it did. */
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
  // Claude Code would have asked for the answer now; as its process has ended, it takes the turn for done.
  if (shape !== undefined && (reason === 'end_turn' || reason === 'stop_sequence')) return [missingAnswerFailure()];
  return [turnEnd(reason, toRefusal(message['stop_details']))];
}

/** How a turn ended whose last entry is Claude Code's own words about a model call that failed. */
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

/** The entries as they stand behind the last one of the turn. */
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

/** An entry's part of the answer, as the dead process would have told it; what was told before has the same name. */
function entryDecoder(turn: readonly JsonObject[]): (entry: JsonObject) => readonly HarnessEvent[] {
  const names = new Map(withPositions(turn).map(([entry, position]) => [entry, blockId(entry, position)]));
  return (entry) => {
    // Claude Code's own words about a failed call.
    if (entry['isApiErrorMessage'] === true) return [];
    const name = names.get(entry);
    if (name === undefined) return readBlocks(entry).flatMap((block) => toToolResult(block) ?? []);
    return readBlocks(entry).flatMap((block) =>
      block['type'] === 'tool_use' ? (toToolCall(block) ?? []) : unstreamedBlockEvents(block, name),
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
