import type { JsonObject } from '../../../domain/harness-event.js';
import type { SchemaWrapping } from '../decode/structured-output.js';
import { dropContinuation } from './continuation.js';
import { dropCutOffCalls, type KeptEntries } from './cut-off-calls.js';
import { chainEntries, toResultEntry } from './entries.js';
import { collectTranscriptIds, rebuildMissingEntries, toDroppedBlocks } from './missing-entries.js';
import { findHiddenCalls, replayEntries } from './replay.js';
import { planResults } from './results-plan.js';
import { findTurnEnd } from './turn-end.js';
import {
  canAskCaller,
  findUnanswered,
  type PlannedTurn,
  toLostEvents,
  toLostResult,
  toParkedEnd,
  type TurnPlan,
} from './turn-plan.js';

/**
 * Reads a transcript of Claude Code 2.1.330 (one entry per content block; entries of one message share its id; sub-agents'
 * entries are `isSidechain`). The prompt's entry has the turn's id as `uuid`. The logged events of earlier attempts and the transcript may
 * each have what the other lacks. `shape` is that of the answer, if the turn has to end with one of a schema. Pure.
 */
export function planFromTranscript(
  entries: readonly JsonObject[],
  turn: PlannedTurn,
  shape?: SchemaWrapping,
): TurnPlan {
  const own = entries.filter((entry) => entry['isSidechain'] !== true);
  if (turn.toolResults !== undefined) return planResults(own, { ...turn, toolResults: turn.toolResults }, shape);
  const begin = own.findIndex((entry) => entry['type'] === 'user' && entry['uuid'] === turn.id);
  if (begin < 0) return { kind: 'prompt' };
  const hasCaller = canAskCaller(turn);
  const { kept, cutFrom, results } = dropContinuation(hasCaller ? keepTurn(own, turn, begin) : keepAll(own));
  const change = cutFrom === undefined ? {} : { cutFrom };
  const recorded = kept.slice(begin);
  const again = results.length === 0 ? [] : [toResultEntry(results)];
  const { priorEvents = [] } = turn;
  const persisted = collectTranscriptIds([...recorded, ...again]);
  const missing = [...again, ...rebuildMissingEntries(priorEvents, persisted)];
  const completed = [...recorded, ...missing];
  const events = replayEntries([...recorded, ...again], findHiddenCalls(completed, hasCaller));
  const end = findTurnEnd(completed, shape);
  if (end !== undefined) {
    return { kind: 'ended', ...change, entries: chainEntries(missing, recorded), events: [...events, ...end] };
  }
  const unanswered = findUnanswered(completed, hasCaller);
  const lost = unanswered.own.length === 0 ? [] : [toResultEntry(unanswered.own.map(toLostResult))];
  const plan = {
    ...change,
    entries: chainEntries([...missing, ...lost], recorded),
    events: [...events, ...toLostEvents(unanswered.own)],
  };
  if (unanswered.ofCaller.length === 0) {
    return { kind: 'continue', ...plan, events: [...toDroppedBlocks(priorEvents, persisted), ...plan.events] };
  }
  return { kind: 'ended', ...plan, events: [...plan.events, ...toParkedEnd(unanswered.ofCaller, turn)] };
}

function keepTurn(own: readonly JsonObject[], { priorEvents = [] }: PlannedTurn, begin: number): KeptEntries {
  const waiting = priorEvents.flatMap((event) => (event.type === 'caller-tool-call' ? [event.id] : []));
  return dropCutOffCalls(own, new Set(waiting), begin);
}

function keepAll(own: readonly JsonObject[]): KeptEntries {
  return { kept: own, cutFrom: undefined, results: [] };
}
