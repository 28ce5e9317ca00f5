import type { HarnessEvent, JsonObject, JsonValue, ToolResultContent } from '../../../domain/harness-event.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import { isCallerCall } from '../caller-tools/caller-calls.js';
import { toToolItem } from '../decode/items.js';
import {
  findMessageStart,
  findOpenCalls,
  isTurnStart,
  readCall,
  type RecordedCall,
  type RolloutLine,
} from '../record/rollout-lines.js';
import { itemEvents, toRecordedEnd } from './resumption.js';

/** What is left to do of a turn with results of the caller's tools, of which no process waits for them any more. */
export type ResultsPlan =
  /** The record has none of the calls: it was lost. */
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'continue';
      /** Calls of the message that the record does not answer, in their order: those with results, and inner ones that broke off. */
      readonly unanswered: readonly RecordedCall[];
      /** Calls of the caller without results: the turn ends with them at once. */
      readonly waiting: readonly RecordedCall[];
      /** What Codex has of the turn from an earlier attempt. */
      readonly events: readonly HarnessEvent[];
      /** Whether the model has heard the prompt of the turn. */
      readonly isPromptHeard: boolean;
    }
  /** Codex ended the turn before its process died. */
  | { readonly kind: 'ended'; readonly events: readonly HarnessEvent[] };

/** The turn whose results are to be continued from. */
export interface ResultsTurn {
  readonly id: string;
  readonly attempt: number;
  readonly callIds: ReadonlySet<string>;
}

/**
 * Finds out how far a turn with results came. `lines` are the end of the recording, `turns` Codex's turns, newest first, with all of their
 * items. Such a turn has no user message of its own: it begins after the outputs of its calls. Pure.
 */
export function planCodexResults(
  lines: readonly RolloutLine[],
  turns: readonly JsonValue[],
  { id, attempt, callIds }: ResultsTurn,
): ResultsPlan {
  const first = lines.findIndex((line) => callIds.has(readCall(line)?.id ?? ''));
  if (first < 0) return { kind: 'unknown' };
  const start = findMessageStart(lines, first);
  const message = new Set(readMessage(lines, start).map((call) => call.id));
  const open = findOpenCalls(lines.slice(start));
  const waiting = open.filter((call) => isCallerCall(call) && !callIds.has(call.id));
  const unanswered = open.filter((call) => message.has(call.id) && !waiting.includes(call));
  if (unanswered.some((call) => callIds.has(call.id))) {
    return { kind: 'continue', unanswered, waiting, events: [], isPromptHeard: false };
  }
  const codexTurnId = asString(lines.slice(0, first).findLast(isTurnStart)?.payload['turn_id']);
  const items = itemsAfterCalls(turns.map(asObject), codexTurnId, callIds);
  const events = items.flatMap(itemEvents);
  const end = toRecordedEnd(asObject(turns[0]));
  // A turn that failed is tried again under another id.
  if (end !== undefined && (end.type === 'turn-end' || attempt > 1)) return { kind: 'ended', events: [...events, end] };
  const isPromptHeard = items.some((item) => item['type'] === 'userMessage' && item['clientId'] === id);
  return { kind: 'continue', unanswered, waiting, events: attempt > 1 ? events : [], isPromptHeard };
}

/** What the tools of Codex's own returned, by the ids of their calls: their items are recorded before the outputs of a message. */
export function findItemOutputs(turns: readonly JsonValue[]): ReadonlyMap<string, readonly ToolResultContent[]> {
  const items = turns.map(asObject).flatMap(readItems);
  return new Map(
    items.flatMap((item) => {
      const [id, status] = [asString(item['id']), item['status']];
      if (id === undefined || (status !== 'completed' && status !== 'failed')) return [];
      const content = toToolItem(item, id)?.result.content;
      return content === undefined ? [] : [[id, content]];
    }),
  );
}

/** The calls of the message that begins here. */
function readMessage(lines: readonly RolloutLine[], start: number): readonly RecordedCall[] {
  const end = lines.findIndex(({ type }, index) => index >= start && type === 'token_usage_record');
  return lines.slice(start, end < 0 ? undefined : end).flatMap((line) => readCall(line) ?? []);
}

/** The items after the outputs of the calls: those of the same turn of Codex, if it went on, and those of its later turns. */
function itemsAfterCalls(
  newestFirst: readonly JsonObject[],
  codexTurnId: string | undefined,
  callIds: ReadonlySet<string>,
): readonly JsonObject[] {
  const place = newestFirst.findIndex((turn) => turn['id'] === codexTurnId);
  const turn = newestFirst[place];
  if (turn === undefined) return [];
  const items = readItems(turn);
  const last = items.findLastIndex((item) => callIds.has(asString(item['id']) ?? ''));
  const later = newestFirst.slice(0, place).toReversed().flatMap(readItems);
  return [...(last < 0 ? [] : items.slice(last + 1)), ...later];
}

function readItems(turn: JsonObject): readonly JsonObject[] {
  return asArray(turn['items']).map(asObject);
}
