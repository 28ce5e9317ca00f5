import type { HarnessEvent, JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { completeBlock, isBlockType, openBlock } from '../decode/blocks.js';
import { parseCodexFailure } from '../decode/failure.js';
import { toToolItem } from '../decode/items.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import { toTurnEnd } from '../decode/stop.js';

/** What is left to do of a turn whose earlier attempt died. */
export type Resumption =
  /** The prompt never reached Codex: the turn starts from its beginning. */
  | { readonly kind: 'prompt' }
  /**
   * The prompt is in the conversation: the model continues from there, without another user message. `events` are all that Codex
   * knows of the turn, as not all of it may have been logged; what was logged has the same id.
   */
  | {
      readonly kind: 'continue';
      readonly events: readonly HarnessEvent[];
      /** Codex's name of its turn that began with the prompt. */
      readonly codexTurnId: string | undefined;
    }
  /** Codex ended the turn before it died; only its report was lost. */
  | { readonly kind: 'ended'; readonly events: readonly HarnessEvent[] };

/** The turn to resume. */
export interface ResumedTurn {
  readonly id: string;
  /** Further messages that earlier attempts got: they are part of the turn. */
  readonly furtherIds: ReadonlySet<string>;
}

/**
 * Finds out how far a turn came. `turns` are Codex's turns of the thread, newest first, with all of their items; ours begins with
 * the user message whose `clientId` is its id. A turn without a user message of another one is an earlier continuation.
 */
export function planResumption(turns: readonly JsonValue[], { id, furtherIds }: ResumedTurn): Resumption {
  const newestFirst = turns.map(asObject);
  const prompted = newestFirst.findIndex((turn) => {
    const message = userMessage(turn);
    return message !== undefined && !furtherIds.has(asString(message['clientId']) ?? '');
  });
  const [newest, first] = [newestFirst[0], newestFirst[prompted]];
  if (newest === undefined || first === undefined) return { kind: 'prompt' };
  if (asString(userMessage(first)?.['clientId']) !== id) return { kind: 'prompt' };
  const events = newestFirst
    .slice(0, prompted + 1)
    .toReversed()
    .flatMap(readItems)
    .flatMap((item) => [...furtherMessage(item, furtherIds), ...itemEvents(item)]);
  const end = toRecordedEnd(newest);
  return end === undefined
    ? { kind: 'continue', events, codexTurnId: asString(first['id']) }
    : { kind: 'ended', events: [...events, end] };
}

/** The further messages that the record has, of those with these ids. */
export function findHeardMessages(turns: readonly JsonValue[], ids: ReadonlySet<string>): ReadonlySet<string> {
  const items = turns.map(asObject).flatMap(readItems);
  const clientIds = items.flatMap((item) => (item['type'] === 'userMessage' ? (asString(item['clientId']) ?? []) : []));
  return new Set(clientIds.filter((clientId) => ids.has(clientId)));
}

/** How a turn of Codex ended, `undefined` if it broke off. */
export function toRecordedEnd(
  turn: JsonObject,
): Extract<HarnessEvent, { type: 'turn-end' | 'turn-failed' }> | undefined {
  switch (hasFinalAnswer(turn) ? 'completed' : asString(turn['status'])) {
    case 'completed':
      return { type: 'turn-end', reason: 'end_turn' };
    case 'failed':
      return toTurnEnd(turn['error']) ?? { type: 'turn-failed', ...parseCodexFailure(turn['error']) };
    default:
      return undefined;
  }
}

function readItems(turn: JsonObject): readonly JsonObject[] {
  return asArray(turn['items']).map(asObject);
}

/** Died between its last message and its end: the model has given its final answer, and would repeat it. */
function hasFinalAnswer(turn: JsonObject): boolean {
  const last = readItems(turn).at(-1);
  return last?.['type'] === 'agentMessage' && last['phase'] === 'final_answer';
}

function userMessage(turn: JsonObject): JsonObject | undefined {
  return readItems(turn).find((item) => item['type'] === 'userMessage');
}

function furtherMessage(item: JsonObject, furtherIds: ReadonlySet<string>): readonly HarnessEvent[] {
  const id = item['type'] === 'userMessage' ? asString(item['clientId']) : undefined;
  return id !== undefined && furtherIds.has(id) ? [{ type: 'user-message', id }] : [];
}

/** The events of an item; only the call for a tool without a result. */
export function itemEvents(item: JsonObject): readonly HarnessEvent[] {
  const [id, type] = [asString(item['id']), asString(item['type'])];
  if (id === undefined) return [];
  if (isBlockType(type)) return completeBlock(openBlock(type === 'agentMessage' ? 'text' : 'thinking', id), item);
  const tool = toToolItem(item, id);
  if (tool === undefined) return [];
  return item['status'] === 'inProgress' ? [tool.call] : [tool.call, tool.result];
}
