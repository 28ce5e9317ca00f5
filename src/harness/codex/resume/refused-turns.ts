import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import { asArray, asObject, asString } from '../../../domain/json.js';
import { isRefusal, type RefusedCall } from '../../../domain/provider-refusal.js';
import { parseCodexFailure } from '../decode/failure.js';
import { toToolItem } from '../decode/items.js';
import { toTurnEnd } from '../decode/stop.js';

/** The newest turns of a conversation, which the model provider refused. */
export interface RefusedTurns {
  /** Codex's name of the first of them: everything before it is to be kept. */
  readonly from: string;
  /** The tools that were called in them, oldest first. */
  readonly calls: readonly RefusedCall[];
  /** Whether there is no turn before them. */
  readonly areAll: boolean;
}

/**
 * Finds the turns that Codex 0.169.0 keeps although the model provider refused them: it sends them again with every later prompt,
 * which is then refused, too. `turns` are Codex's turns, newest first, with all of their items; a turn without a user message goes on
 * with the one before. `undefined` when the newest one was not refused. Pure.
 */
export function refusedTurns(turns: readonly JsonValue[]): RefusedTurns | undefined {
  const newestFirst = turns.map(asObject);
  let count = 0;
  while (isRefused(newestFirst[count])) {
    const prompted = newestFirst.findIndex((turn, index) => index >= count && isPrompted(turn));
    if (prompted < 0) break;
    count = prompted + 1;
  }
  const refused = newestFirst.slice(0, count).toReversed();
  const from = asString(refused[0]?.['id']);
  if (from === undefined) return undefined;
  return { from, calls: refused.flatMap(readItems).flatMap(toRefusedCalls), areAll: count === newestFirst.length };
}

function isRefused(turn: JsonObject | undefined): boolean {
  if (turn?.['status'] !== 'failed') return false;
  const stop = toTurnEnd(turn['error']);
  return stop === undefined ? isRefusal(parseCodexFailure(turn['error']).kind) : stop.reason === 'refusal';
}

function isPrompted(turn: JsonObject): boolean {
  return readItems(turn).some((item) => item['type'] === 'userMessage');
}

function readItems(turn: JsonObject): readonly JsonObject[] {
  return asArray(turn['items']).map(asObject);
}

function toRefusedCalls(item: JsonObject): readonly RefusedCall[] {
  const tool = toToolItem(item, asString(item['id']) ?? '');
  return tool === undefined ? [] : [tool.call];
}
