import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import { findMarkedTurn, toContentBlock, toResultBlock, toTurnMark } from '../caller-tools/results.js';
import { toToolCall, toToolResult } from '../decode/content.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import { dropContinuation } from './continuation.js';
import { callsOf, cutAt, dropCutOffCalls, isCallOfCaller, type KeptEntries, resultsOf } from './cut-off-calls.js';
import { chainEntries, readMessage, toResultEntry } from './entries.js';
import { collectTranscriptIds, rebuildMissingEntries, toDroppedBlocks } from './missing-entries.js';
import { findHiddenCalls, replayEntries } from './replay.js';
import { findTurnEnd } from './turn-end.js';
import {
  findUnanswered,
  isMessageOf,
  type PlannedTurn,
  toLostEvents,
  toLostResult,
  toParkedEnd,
  toPromptEntry,
  type TurnPlan,
} from './turn-plan.js';

/** A turn that brings results. */
type ResultsTurn = PlannedTurn & { readonly toolResults: readonly CallerToolResult[] };

/**
 * Plans a turn that brings results to calls whose process is gone: the results that the record lacks are written into it, then the prompt.
 * Also after attempts of the same turn, or of an earlier turn with the same results that failed: nothing is written twice. `prompt` if the
 * record has none of the calls. `own` are the entries without those of sub-agents. Pure.
 */
export function planResults(own: readonly JsonObject[], turn: ResultsTurn, shape?: SchemaWrapping): TurnPlan {
  const ids: ReadonlySet<string> = new Set(turn.toolResults.map(({ callId }) => callId));
  const asking = own.find((entry) => callsOf(entry).some((block) => ids.has(asString(block['id']) ?? '')));
  if (asking === undefined) return { kind: 'prompt' };
  const messageId = readMessage(asking)['id'];
  const messageBegin = own.findIndex((entry) => readMessage(entry)['id'] === messageId);
  const { kept, cutFrom, results } = dropContinuation(keepRecord(own, turn, ids, messageBegin));
  const change = cutFrom === undefined ? {} : { cutFrom };
  const record = kept.slice(messageBegin);
  const recorded = turn.attempt === 1 ? [] : record.slice(findBegin(record, turn));

  const { priorEvents = [] } = turn;
  const persisted = collectTranscriptIds(record);
  const missing = rebuildMissingEntries(priorEvents, persisted);
  const answered = new Set(record.flatMap(resultsOf).map((block) => block['tool_use_id']));
  const brought = turn.toolResults.filter(({ callId }) => !answered.has(callId)).map(toResultBlock);
  const lostCalls = findUnanswered([...record, toResultEntry([...results, ...brought])], true).own;
  const blocks = [...results, ...lostCalls.map(toLostResult), ...brought];
  const first = [
    ...(blocks.length === 0 ? [] : [toResultEntry(blocks, toTurnMark(turn.id))]),
    ...(isHeard(record, turn) ? [] : [toPromptEntry(turn)]),
  ];
  const message = record.filter((entry) => readMessage(entry)['id'] === messageId);
  const callsOfMessage = new Set(message.flatMap(callsOf));
  const events = [
    ...toPairs(message, record, lostCalls),
    ...replayEntries(recorded, findHiddenCalls([...record, ...missing], true)),
    ...toLostEvents(lostCalls.filter((lost) => !callsOfMessage.has(lost))),
  ];
  const end = first.length === 0 ? findTurnEnd([...recorded, ...missing], shape) : undefined;
  if (end !== undefined)
    return { kind: 'ended', ...change, entries: chainEntries(missing, kept), events: [...events, ...end] };

  const completed = [...record, ...first, ...missing];
  const unanswered = findUnanswered(completed, true);
  const lost = unanswered.own.length === 0 ? [] : [toResultEntry(unanswered.own.map(toLostResult))];
  const plan = {
    ...change,
    entries: chainEntries([...first, ...missing, ...lost], kept),
    events: [...events, ...toLostEvents(unanswered.own)],
  };
  if (unanswered.ofCaller.length === 0) {
    return { kind: 'continue', ...plan, events: [...toDroppedBlocks(priorEvents, persisted), ...plan.events] };
  }
  return { kind: 'ended', ...plan, events: [...plan.events, ...toParkedEnd(unanswered.ofCaller, turn)] };
}

/**
 * What is kept of the record. A first attempt whose results are there already follows a failed turn with the same ones: what that turn did
 * is kept without its failure; if it did nothing, its results are written anew.
 */
function keepRecord(
  own: readonly JsonObject[],
  { attempt }: ResultsTurn,
  ids: ReadonlySet<string>,
  messageBegin: number,
): KeptEntries {
  const isOfCaller = (block: JsonObject): boolean => ids.has(asString(block['tool_use_id']) ?? '');
  const record = dropCutOffCalls(own, ids, messageBegin);
  const { kept } = record;
  const brought = kept.findIndex((entry) => resultsOf(entry).some(isOfCaller));
  if (attempt > 1 || brought < 0) return record;
  const isFailure = (entry: JsonObject): boolean => entry['isApiErrorMessage'] === true;
  const lastAction = kept.findLastIndex((entry) => entry['type'] === 'assistant' && !isFailure(entry));
  if (lastAction < brought) return withResults(cutAt(kept, brought, isOfCaller), record);
  const failure = kept.findIndex((entry, index) => index > lastAction && isFailure(entry));
  return failure < 0 ? record : withResults(cutAt(kept, failure, isOfCaller), record);
}

function withResults(cut: KeptEntries, { results }: KeptEntries): KeptEntries {
  return { ...cut, results: [...cut.results, ...results] };
}

/** Where the turn's own part of the record begins; its end if there is none. */
function findBegin(record: readonly JsonObject[], { id }: ResultsTurn): number {
  const begin = record.findIndex((entry) => findMarkedTurn(entry) === id || isMessageOf(entry, id));
  return begin < 0 ? record.length : begin;
}

/** Whether the agent has heard the turn's prompt, from this turn or from a failed one with the same prompt. */
function isHeard(record: readonly JsonObject[], { id, prompt, attempt }: ResultsTurn): boolean {
  if (prompt.length === 0 || record.some((entry) => isMessageOf(entry, id))) return true;
  const text = JSON.stringify(prompt.map(toContentBlock));
  return (
    attempt === 1 &&
    record.some((entry) => entry['type'] === 'user' && JSON.stringify(readMessage(entry)['content']) === text)
  );
}

/**
 * The agent's own calls of the message that the turn before did not show with their results: those behind a call of the caller's tools, and
 * those that have lost theirs.
 */
function toPairs(
  message: readonly JsonObject[],
  record: readonly JsonObject[],
  lost: readonly JsonObject[],
): readonly HarnessEvent[] {
  const calls = message.flatMap(callsOf);
  const first = calls.findIndex(isCallOfCaller);
  const results = new Map(record.flatMap(resultsOf).map((block) => [block['tool_use_id'], block]));
  return calls
    .filter((call, index) => !isCallOfCaller(call) && (index > first || lost.includes(call)))
    .flatMap((call) => {
      const result = lost.includes(call) ? toLostResult(call) : results.get(call['id']);
      return [toToolCall(call), result === undefined ? undefined : toToolResult(result)];
    })
    .filter((event) => event !== undefined);
}
