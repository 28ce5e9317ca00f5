import type { JsonObject } from '../../../domain/harness-event.js';
import { asObjects, asObject, asString } from '../../../domain/json.js';
import { endsRefused, type RefusedCall } from '../../../domain/refusal.js';
import { toToolCall } from '../decode/content.js';
import { endOfApiError } from './transcript-plan.js';

/** The turns at the end of a transcript that the model provider refused. */
export interface RefusedTail {
  /** The `uuid` of their first entry: everything before it is to be kept. */
  readonly from: string;
  /** The tools that were called in them, oldest first. */
  readonly calls: readonly RefusedCall[];
}

/**
 * Finds the turns that Claude Code 2.1.330 keeps although the model provider refused them: it sends them again with every later
 * prompt, which is then refused, too. Each ends with an entry that tells of a 400 or 413 and begins with its prompt; what Claude
 * Code tried in between, such as a compaction that did not help, belongs to it. `undefined` when the transcript ends otherwise. Pure.
 *
 * @param refusedTurn a turn that is known to have been refused, should the transcript not tell of it.
 */
export function refusedTail(entries: readonly JsonObject[], refusedTurn?: string): RefusedTail | undefined {
  const said = entries.filter(
    ({ type, isSidechain }) => isSidechain !== true && (type === 'user' || type === 'assistant'),
  );
  const known = refusedTurn === undefined ? -1 : said.findIndex((entry) => entry['uuid'] === refusedTurn);
  let kept = known < 0 ? said.length : known;
  // A prompt that stands before them without any answer is of a process that was killed before it could tell of its refusal.
  while (isRefusedCall(said[kept - 1]) || (kept < said.length && isPrompt(said[kept - 1]))) {
    const begin = said.findLastIndex((entry, index) => index < kept && isPrompt(entry));
    if (begin < 0) break;
    kept = begin;
  }
  const from = asString(said[kept]?.['uuid']);
  if (from === undefined) return undefined;
  const blocks = said.slice(kept).flatMap(readBlocks);
  return { from, calls: blocks.flatMap((block) => (block['type'] === 'tool_use' ? (toToolCall(block) ?? []) : [])) };
}

/** Claude Code's own words about a model call that was refused. */
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
