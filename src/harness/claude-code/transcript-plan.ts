import type { HarnessEvent, JsonObject } from '../harness-event.js';
import { wholeBlock } from './decode-whole.js';
import { toolCallOf, toolResultOf } from './content.js';
import { numberOf, objectOf, objectsOf, stringOf } from '../json.js';

/** What is to be done about a turn that an earlier process has begun. */
export type TurnPlan =
  /** The process never wrote the prompt down: it is given again. */
  | { readonly kind: 'prompt' }
  /** The turn is in the middle: `entries` are appended to the transcript, and Claude Code goes on from there by itself. */
  | {
      readonly kind: 'continue';
      readonly entries: readonly JsonObject[];
      /** The results that the entries give to the tool calls that died with their process. */
      readonly events: readonly HarnessEvent[];
    }
  /** The turn had ended, and only nobody heard it. */
  | { readonly kind: 'ended'; readonly events: readonly HarnessEvent[] };

/** What a tool call whose process died answers, to the model and to the caller. */
export const TOOL_DIED =
  "The agent's process died while this tool ran; it may have taken effect, and it was not run again.";

const FINAL_STOPS: ReadonlySet<string> = new Set([
  'end_turn',
  'stop_sequence',
  'refusal',
  'model_context_window_exceeded',
]);

/**
 * Reads a transcript of Claude Code 2.1.330 (one entry per content block; entries of one message share its id; sub-agents'
 * entries are `isSidechain`). The prompt's entry has the turn's id as `uuid`. Pure.
 */
export function analyse(entries: readonly JsonObject[], turnId: string): TurnPlan {
  const own = entries.filter((entry) => entry['isSidechain'] !== true);
  const begin = own.findIndex((entry) => entry['type'] === 'user' && entry['uuid'] === turnId);
  if (begin < 0) return { kind: 'prompt' };
  const turn = own.slice(begin);
  const last = turn.findLast((entry) => entry['type'] === 'user' || entry['type'] === 'assistant');
  const stop = last?.['type'] === 'assistant' ? stringOf(messageOf(last)['stop_reason']) : undefined;
  if (last !== undefined && stop !== undefined && FINAL_STOPS.has(stop)) {
    return { kind: 'ended', events: finalEvents(turn, last, stop) };
  }
  return { kind: 'continue', ...resultsFor(unansweredCalls(turn), turn) };
}

function unansweredCalls(turn: readonly JsonObject[]): readonly string[] {
  const blocks = turn.flatMap(blocksOf);
  const answered = new Set(blocks.flatMap((block) => toolResultOf(block)?.id ?? []));
  const calls = blocks.flatMap((block) => (block['type'] === 'tool_use' ? (toolCallOf(block)?.id ?? []) : []));
  return [...new Set(calls)].filter((id) => !answered.has(id));
}

function resultsFor(
  calls: readonly string[],
  turn: readonly JsonObject[],
): { readonly entries: readonly JsonObject[]; readonly events: readonly HarnessEvent[] } {
  const parent = turn.findLast((entry) => stringOf(entry['uuid']) !== undefined);
  if (calls.length === 0 || parent === undefined) return { entries: [], events: [] };
  const content = calls.map((id) => ({ type: 'tool_result', tool_use_id: id, content: TOOL_DIED, is_error: true }));
  const { sessionId, cwd, version, gitBranch } = parent;
  const entry: JsonObject = {
    parentUuid: parent['uuid'] ?? null,
    isSidechain: false,
    type: 'user',
    message: { role: 'user', content },
    userType: 'external',
    ...definedOnly({ sessionId, cwd, version, gitBranch }),
  };
  return { entries: [entry], events: content.flatMap((block) => toolResultOf(block) ?? []) };
}

/** The last message's text and the end, as the dead process would have said them. */
function finalEvents(turn: readonly JsonObject[], last: JsonObject, stop: string): readonly HarnessEvent[] {
  const id = stringOf(messageOf(last)['id']) ?? '';
  const parts = turn.filter((entry) => entry['type'] === 'assistant' && messageOf(entry)['id'] === id);
  const events = parts.flatMap((entry, index) =>
    blocksOf(entry).flatMap((block) => wholeBlock(block, `${id}:${numberOf(entry['apiBlockIndex']) ?? index}`)),
  );
  return [...events, { type: 'turn-end', reason: stop === 'end_turn' ? 'end_turn' : reasonOf(stop) }];
}

function reasonOf(stop: string): 'stop_sequence' | 'refusal' | 'model_context_window_exceeded' | 'end_turn' {
  return stop === 'stop_sequence' || stop === 'refusal' || stop === 'model_context_window_exceeded' ? stop : 'end_turn';
}

function messageOf(entry: JsonObject): JsonObject {
  return objectOf(entry['message']);
}

function blocksOf(entry: JsonObject): readonly JsonObject[] {
  return objectsOf(messageOf(entry)['content']);
}

function definedOnly(fields: Readonly<Record<string, JsonObject[string] | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}
