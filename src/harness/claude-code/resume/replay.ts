import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import { toToolCall, toToolResult } from '../decode/content.js';
import { toUnstreamedBlockEvents } from '../decode/decode-unstreamed.js';
import { ANSWER_TOOL } from '../decode/structured-output.js';
import { callsOf, isCallOfCaller } from './cut-off-calls.js';
import { readBlocks } from './entries.js';
import { toBlockId, withPositions } from './missing-entries.js';

/**
 * The events of a turn's entries. Neither the calls of the answer tool are among them nor those of the caller's tools: the end of a turn
 * tells of both.
 */
export function replayEntries(turn: readonly JsonObject[], hidden: ReadonlySet<string>): readonly HarnessEvent[] {
  return turn
    .flatMap(entryDecoder(turn))
    .filter((event) => !((event.type === 'tool-call' || event.type === 'tool-result') && hidden.has(event.id)));
}

/** The ids of calls that are not replayed. `hasCaller`: whether the turn can have calls of the caller's tools. */
export function findHiddenCalls(entries: readonly JsonObject[], hasCaller: boolean): ReadonlySet<string> {
  const calls = entries.flatMap(callsOf).filter((call) => isAnswerCall(call) || (hasCaller && isCallOfCaller(call)));
  return new Set(calls.flatMap(({ id }) => asString(id) ?? []));
}

/** Whether a tool call gives the answer of a schema. */
export function isAnswerCall(call: JsonObject): boolean {
  return call['name'] === ANSWER_TOOL;
}

/** Decodes an entry as the dead process would have; replayed blocks keep their ids, so that duplicates are dropped. */
function entryDecoder(turn: readonly JsonObject[]): (entry: JsonObject) => readonly HarnessEvent[] {
  const names = new Map(withPositions(turn).map(([entry, position]) => [entry, toBlockId(entry, position)]));
  return (entry) => {
    // Claude Code's own words about a failed call.
    if (entry['isApiErrorMessage'] === true) return [];
    const name = names.get(entry);
    if (name === undefined) return readBlocks(entry).flatMap((block) => toToolResult(block) ?? []);
    return readBlocks(entry).flatMap((block) =>
      block['type'] === 'tool_use' ? (toToolCall(block) ?? []) : toUnstreamedBlockEvents(block, name),
    );
  };
}
