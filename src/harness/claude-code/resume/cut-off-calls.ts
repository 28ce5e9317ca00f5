import type { JsonObject } from '../../../domain/harness-event.js';
import { asObjects, asString } from '../../../domain/json.js';
import { isCallerTool } from '../caller-tools/names.js';
import { findMarkedTurn } from '../caller-tools/results.js';
import { readBlocks } from './entries.js';

/** How Claude Code 2.1.330 begins its own answer to a call that it does not hand over, such as of a tool that is not loaded (seen). */
const REFUSED = '<tool_use_error>';

/** A transcript without what Claude Code wrote about calls of the caller's tools that were cut off. */
export interface KeptEntries {
  readonly kept: readonly JsonObject[];
  /** The `uuid` of the first entry that is not kept; `undefined` if all are. */
  readonly cutFrom: string | undefined;
  /** Results of the agent's own calls in the entries that are not kept, for messages that are. */
  readonly results: readonly JsonObject[];
}

/**
 * Leaves out answers that Claude Code gave itself to calls of the caller's tools that were cut off, and all that followed. A process that is
 * stopped, or whose input ends, answers each such call in words of its own, and may even call the model once more (2.1.330, seen). The
 * results that a turn has brought are marked, so any other is left out: of `waiting`, which are calls that are known to have waited, and of
 * those in the entries from `begin` on unless the call was refused before it reached us.
 */
export function dropCutOffCalls(
  entries: readonly JsonObject[],
  waiting: ReadonlySet<string>,
  begin: number,
): KeptEntries {
  const callerCalls = new Set(
    entries.slice(begin).flatMap((entry) =>
      callsOf(entry)
        .filter(isCallOfCaller)
        .map(({ id }) => asString(id) ?? ''),
    ),
  );
  const isCutOff = (block: JsonObject): boolean => {
    const id = asString(block['tool_use_id']) ?? '';
    return waiting.has(id) || (callerCalls.has(id) && !textOf(block).startsWith(REFUSED));
  };
  const from = entries.findIndex(
    (entry) => findMarkedTurn(entry) === undefined && resultsOf(entry).some((block) => isCutOff(block)),
  );
  return from < 0 ? { kept: entries, cutFrom: undefined, results: [] } : cutAt(entries, from, isCutOff);
}

/** Leaves out an entry and all that follow, but for results of the agent's own calls in messages that are kept. */
export function cutAt(
  entries: readonly JsonObject[],
  from: number,
  isLeftOut: (block: JsonObject) => boolean,
): KeptEntries {
  const rest = entries.slice(from);
  const next = rest.findIndex(({ type }) => type === 'assistant');
  const results = rest.slice(0, next < 0 ? undefined : next).flatMap(resultsOf);
  return {
    kept: entries.slice(0, from),
    cutFrom: asString(rest[0]?.['uuid']),
    results: results.filter((block) => !isLeftOut(block)),
  };
}

/** The tool calls in an entry. */
export function callsOf(entry: JsonObject): readonly JsonObject[] {
  return readBlocks(entry).filter((block) => block['type'] === 'tool_use');
}

/** The tool results in an entry. */
export function resultsOf(entry: JsonObject): readonly JsonObject[] {
  return readBlocks(entry).filter((block) => block['type'] === 'tool_result');
}

/** Whether a tool call is one of the caller's tools. */
export function isCallOfCaller(call: JsonObject): boolean {
  return isCallerTool(asString(call['name']) ?? '');
}

function textOf({ content }: JsonObject): string {
  return typeof content === 'string'
    ? content
    : asObjects(content)
        .map((block) => asString(block['text']) ?? '')
        .join('');
}
