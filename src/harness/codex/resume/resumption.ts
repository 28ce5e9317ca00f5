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
  | { readonly kind: 'continue'; readonly events: readonly HarnessEvent[] }
  /** Codex ended the turn before it died; only its report was lost. */
  | { readonly kind: 'ended'; readonly events: readonly HarnessEvent[] };

/**
 * Finds out how far a turn came. `turns` are Codex's turns of the thread, newest first, with all of their items; ours begins with
 * the user message whose `clientId` is `turnId`. A turn without a user message is an earlier continuation.
 */
export function planResumption(turns: readonly JsonValue[], turnId: string): Resumption {
  const newestFirst = turns.map(asObject);
  const prompted = newestFirst.findIndex((turn) => userMessage(turn) !== undefined);
  const [newest, first] = [newestFirst[0], newestFirst[prompted]];
  if (newest === undefined || first === undefined) return { kind: 'prompt' };
  if (asString(userMessage(first)?.['clientId']) !== turnId) return { kind: 'prompt' };
  const events = newestFirst
    .slice(0, prompted + 1)
    .toReversed()
    .flatMap(readItems)
    .flatMap(itemEvents);
  switch (hasFinalAnswer(newest) ? 'completed' : asString(newest['status'])) {
    case 'completed':
      return { kind: 'ended', events: [...events, { type: 'turn-end', reason: 'end_turn' }] };
    case 'failed':
      return {
        kind: 'ended',
        events: [
          ...events,
          toTurnEnd(newest['error']) ?? { type: 'turn-failed', ...parseCodexFailure(newest['error']) },
        ],
      };
    default:
      return { kind: 'continue', events };
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

/** The events of an item; only the call for a tool without a result. */
function itemEvents(item: JsonObject): readonly HarnessEvent[] {
  const [id, type] = [asString(item['id']), asString(item['type'])];
  if (id === undefined) return [];
  if (isBlockType(type)) return completeBlock(openBlock(type === 'agentMessage' ? 'text' : 'thinking', id), item);
  const tool = toToolItem(item, id);
  if (tool === undefined) return [];
  return item['status'] === 'inProgress' ? [tool.call] : [tool.call, tool.result];
}
