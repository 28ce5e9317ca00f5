import type { JsonObject } from '../../../domain/harness-event.js';
import { asObjects, asObject, asString } from '../../../domain/json.js';
import { endsRefused, type RefusedCall } from '../../../domain/provider-refusal.js';
import { toToolCall } from '../decode/content.js';
import { endOfApiError } from './turn-end.js';

/** The turns at the end of a transcript that the model provider refused. */
export interface RefusedTail {
  /** The `uuid` of their first entry: everything before it is kept. */
  readonly from: string;
  /** Their tool calls, oldest first. */
  readonly calls: readonly RefusedCall[];
}

/**
 * Finds refused turns that Claude Code 2.1.330 keeps: it resends them with every later prompt, which is then refused too. Each starts
 * with its prompt and ends with an entry about a 400 or 413; what Claude Code tried in between, such as a useless compaction, belongs
 * to it. `undefined` when the transcript ends otherwise. Pure.
 *
 * @param refusedTurn a turn that is known to have been refused, should the transcript not tell of it.
 */
export function refusedTail(entries: readonly JsonObject[], refusedTurn?: string): RefusedTail | undefined {
  const messages = entries.filter(
    ({ type, isSidechain }) => isSidechain !== true && (type === 'user' || type === 'assistant'),
  );
  const knownIndex = refusedTurn === undefined ? -1 : messages.findIndex((entry) => entry['uuid'] === refusedTurn);
  let kept = knownIndex < 0 ? messages.length : knownIndex;
  // An unanswered prompt before them is from a process that was killed before it recorded the refusal.
  while (isRefusedCall(messages[kept - 1]) || (kept < messages.length && isPrompt(messages[kept - 1]))) {
    const begin = messages.findLastIndex((entry, index) => index < kept && isPrompt(entry));
    if (begin < 0) break;
    kept = begin;
  }
  const from = asString(messages[kept]?.['uuid']);
  if (from === undefined) return undefined;
  const blocks = messages.slice(kept).flatMap(readBlocks);
  return { from, calls: blocks.flatMap((block) => (block['type'] === 'tool_use' ? (toToolCall(block) ?? []) : [])) };
}

/** Whether the entry is Claude Code's message about a refused model call. */
function isRefusedCall(entry: JsonObject | undefined): boolean {
  return entry?.['isApiErrorMessage'] === true && endsRefused([endOfApiError(entry)]);
}

/** A message of the user, and neither a result of a tool nor what Claude Code itself says in the user's place. */
function isPrompt(entry: JsonObject = {}): boolean {
  const { type, uuid, isMeta, isCompactSummary, promptSource = 'sdk' } = entry;
  if (type !== 'user' || typeof uuid !== 'string' || isMeta === true || isCompactSummary === true) return false;
  return promptSource === 'sdk' && readBlocks(entry).every((block) => block['type'] !== 'tool_result');
}

function readBlocks(entry: JsonObject): readonly JsonObject[] {
  return asObjects(asObject(entry['message'])['content']);
}
