import type { HarnessEvent, JsonObject } from '../harness-event.js';
import { wholeBlock } from './decode-whole.js';
import { toolCallOf, toolResultOf } from './content.js';
import { objectOf, objectsOf, stringOf } from '../json.js';
import { blockName, keptIn, lostEntries, positioned, resultEntry } from './transcript-repair.js';

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
 * entries are `isSidechain`). The prompt's entry has the turn's id as `uuid`. `said` is what earlier attempts told, as far as it
 * was logged: each of the two may have what the other lacks. Pure.
 */
export function analyse(entries: readonly JsonObject[], turnId: string, said: readonly HarnessEvent[] = []): TurnPlan {
  const own = entries.filter((entry) => entry['isSidechain'] !== true);
  const begin = own.findIndex((entry) => entry['type'] === 'user' && entry['uuid'] === turnId);
  if (begin < 0) return { kind: 'prompt' };
  const turn = own.slice(begin);
  const lost = lostEntries(said, keptIn(turn));
  const whole = [...turn, ...lost];
  const last = whole.findLast((entry) => entry['type'] === 'user' || entry['type'] === 'assistant');
  const stop = last?.['type'] === 'assistant' ? stringOf(messageOf(last)['stop_reason']) : undefined;
  const events = turn.flatMap(eventsOf(turn));
  if (stop !== undefined && FINAL_STOPS.has(stop)) {
    return {
      kind: 'ended',
      entries: placed(lost, turn),
      events: [...events, { type: 'turn-end', reason: reasonOf(stop) }],
    };
  }
  const died = unansweredCalls(whole).map((id) => ({
    type: 'tool_result',
    tool_use_id: id,
    content: TOOL_DIED,
    is_error: true,
  }));
  return {
    kind: 'continue',
    entries: placed(died.length === 0 ? lost : [...lost, resultEntry(died)], turn),
    events: [...events, ...died.flatMap((block) => toolResultOf(block) ?? [])],
  };
}

function unansweredCalls(turn: readonly JsonObject[]): readonly string[] {
  const blocks = turn.flatMap(blocksOf);
  const answered = new Set(blocks.flatMap((block) => toolResultOf(block)?.id ?? []));
  const calls = blocks.flatMap((block) => (block['type'] === 'tool_use' ? (toolCallOf(block)?.id ?? []) : []));
  return [...new Set(calls)].filter((id) => !answered.has(id));
}

/** The entries as they stand behind the last one of the turn. */
function placed(entries: readonly JsonObject[], turn: readonly JsonObject[]): readonly JsonObject[] {
  const parent = turn.findLast((entry) => stringOf(entry['uuid']) !== undefined);
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
function eventsOf(turn: readonly JsonObject[]): (entry: JsonObject) => readonly HarnessEvent[] {
  const names = new Map(positioned(turn).map(([entry, position]) => [entry, blockName(entry, position)]));
  return (entry) => {
    const name = names.get(entry);
    if (name === undefined) return blocksOf(entry).flatMap((block) => toolResultOf(block) ?? []);
    return blocksOf(entry).flatMap((block) =>
      block['type'] === 'tool_use' ? (toolCallOf(block) ?? []) : wholeBlock(block, name),
    );
  };
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
