import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { asString } from '../../../domain/json.js';
import type { FurtherMessage, HarnessTurn } from '../../harness.js';
import { toOwnNames } from '../../caller-mcp/names.js';
import { toContentBlock } from '../caller-tools/results.js';
import { toToolCall, toToolResult } from '../decode/content.js';
import { callsOf, isCallOfCaller, resultsOf } from './cut-off-calls.js';
import { toStableUuid } from '../stable-uuid.js';
import { isAnswerCall } from './replay.js';

/** The fields of a turn that its plan depends on. */
export type PlannedTurn = Pick<
  HarnessTurn,
  'id' | 'attempt' | 'prompt' | 'toolResults' | 'callerTools' | 'priorEvents'
>;

/** What happens to the transcript before the turn: first the cut, then the entries. */
interface TranscriptChange {
  /** The `uuid` of the first entry that is removed, with all later ones; absent to keep all. */
  readonly cutFrom?: string;
  readonly entries: readonly JsonObject[];
}

/** How to resume a turn that an earlier process started, or calls that wait for their results. */
export type TurnPlan =
  /** The transcript lacks the prompt: send it again. */
  | { readonly kind: 'prompt' }
  /** The turn is unfinished: Claude Code continues from the changed transcript without a prompt. */
  | (TranscriptChange & {
      readonly kind: 'continue';
      /**
       * Replays the turn from the transcript, as the log may lack some of it, with the results that `entries` give to the aborted tool
       * calls.
       */
      readonly events: readonly HarnessEvent[];
    })
  /** The turn had ended, but its end was not logged, or it ends by waiting for the caller's tools. The change is for later turns. */
  | (TranscriptChange & { readonly kind: 'ended'; readonly events: readonly HarnessEvent[] });

/** Result of a tool call whose process died, for the model and the caller. */
export const TOOL_LOST_RESULT =
  "The agent's process died while this tool ran; it may have taken effect, and it was not run again.";

/** Result of a lost call of the answer tool, for the model. */
const ANSWER_LOST = 'Your answer was lost. Call this tool again with the whole of it.';

/** Calls without a result: of the caller's tools, and the agent's own. */
export interface UnansweredCalls {
  readonly ofCaller: readonly JsonObject[];
  readonly own: readonly JsonObject[];
}

/** Whether a turn can have calls of the caller's tools. Other MCP servers could have the name of ours. */
export function canAskCaller({ callerTools, toolResults, priorEvents = [] }: PlannedTurn): boolean {
  return (
    callerTools !== undefined ||
    toolResults !== undefined ||
    priorEvents.some(({ type }) => type === 'caller-tool-call')
  );
}

/** Finds the calls without a result, each once. */
export function findUnanswered(entries: readonly JsonObject[], hasCaller: boolean): UnansweredCalls {
  const answered = new Set(entries.flatMap(resultsOf).map((block) => block['tool_use_id']));
  const calls = new Map(entries.flatMap(callsOf).map((call) => [call['id'], call]));
  const unanswered = [...calls.values()].filter((call) => toToolCall(call) !== undefined && !answered.has(call['id']));
  return {
    ofCaller: unanswered.filter((call) => hasCaller && isCallOfCaller(call)),
    own: unanswered.filter((call) => !hasCaller || !isCallOfCaller(call)),
  };
}

/** The result of a call whose process died. */
export function toLostResult(call: JsonObject): JsonObject {
  return {
    type: 'tool_result',
    tool_use_id: call['id'] ?? '',
    content: isAnswerCall(call) ? ANSWER_LOST : TOOL_LOST_RESULT,
    is_error: true,
  };
}

/** The events of results that were made up for lost calls. */
export function toLostEvents(calls: readonly JsonObject[]): readonly HarnessEvent[] {
  return calls.filter((call) => !isAnswerCall(call)).flatMap((call) => toToolResult(toLostResult(call)) ?? []);
}

/** The end of a turn that waits for calls of the caller's tools; without parallel calls, for the first of them. */
export function toParkedEnd(calls: readonly JsonObject[], { callerTools }: PlannedTurn): readonly HarnessEvent[] {
  const toOwnName = toOwnNames(callerTools);
  const waiting = callerTools?.allowsParallelCalls === false ? calls.slice(0, 1) : calls;
  return [
    ...waiting
      .flatMap(toToolCall)
      .flatMap((call): readonly HarnessEvent[] =>
        call === undefined
          ? []
          : [{ type: 'caller-tool-call', id: call.id, name: toOwnName(call.name), input: call.input }],
      ),
    { type: 'turn-end', reason: 'tool_use' },
  ];
}

/** The entry of a turn's prompt. Claude Code 2.1.330 resumes with an unanswered one at the end of a transcript, without a text of its own (seen). */
export function toPromptEntry({ id, prompt }: Pick<PlannedTurn, 'id' | 'prompt'>): JsonObject {
  return {
    type: 'user',
    uuid: id,
    promptSource: 'sdk',
    message: { role: 'user', content: prompt.map(toContentBlock) },
  };
}

/** Whether the entry is a message of the user that has this id, given as a prompt or while a turn ran. */
export function isMessageOf(entry: JsonObject, id: string): boolean {
  if (entry['type'] === 'user') return entry['uuid'] === id;
  const { attachment } = entry;
  return (
    typeof attachment === 'object' &&
    attachment !== null &&
    'source_uuid' in attachment &&
    asString(attachment['source_uuid']) === id
  );
}

/** The `uuid` of the line that gives a further message to Claude Code. */
export function toFurtherUuid({ id }: FurtherMessage): string {
  return toStableUuid(`further:${id}`);
}
