import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { HarnessEvent, JsonObject, JsonValue } from '../../../domain/harness-event.js';
import type { Prompt } from '../../../domain/prompt.js';
import type { SeedMessage } from '../../../domain/seed/seed-message.js';
import type { FurtherMessage, HarnessThread, HarnessTurn } from '../../harness.js';
import { readNewestTurns } from '../app-server/connection.js';
import { DynamicToolCalls, isCallerCall } from '../caller-tools/caller-calls.js';
import { checkStrictInput } from '../caller-tools/check-input.js';
import {
  INTERRUPTED_OUTPUT,
  type ToolOutput,
  toOutputItem,
  toolResultOutput,
  toToolOutput,
} from '../caller-tools/tool-output.js';
import { findRecordings, readRecording } from '../record/rollout.js';
import { findOpenCallsSince, type RecordedCall, type RolloutLine } from '../record/rollout-lines.js';
import { findHeardMessages, planResumption } from '../resume/resumption.js';
import { findItemOutputs, planCodexResults } from '../resume/results-plan.js';
import type { OpenConversation } from './codex-process.js';
import { injectSeed } from './inject-seed.js';
import type { Setup } from './setup.js';
import { toResultsPrompt } from '../../prompt/results-prompt.js';
import { uploadFolder, writeUploads } from '../../prompt/uploads.js';

/** How a turn goes on that Codex, or no process at all, has begun. */
export type Beginning =
  /** Nothing is left to do: the events end the turn. */
  | { readonly kind: 'over'; readonly events: readonly HarnessEvent[] }
  | {
      readonly kind: 'start';
      readonly events: readonly HarnessEvent[];
      /** What the user says first; empty if the model goes on from the record. */
      readonly prompt: Prompt;
      /** Further messages that the record lacks. */
      readonly further: readonly FurtherMessage[];
    };

/** Where a turn begins. */
export interface BeginningContext {
  readonly thread: HarnessThread;
  readonly open: OpenConversation;
  readonly setup: Setup;
}

/** How a turn with results goes on that no process waits for; the record gets the results that it lacks. */
export async function beginWithResults(
  context: BeginningContext,
  turn: HarnessTurn,
  results: readonly CallerToolResult[],
): Promise<Beginning> {
  const { thread, open } = context;
  const turns = await newestTurns(open);
  const lines = await readLines(context);
  const outputs = new Map(results.map((result) => [result.callId, toToolOutput(result, uploadFolder(thread))]));
  const further = missingMessages(turn, turns);
  const { id, attempt, prompt } = turn;
  const plan = planCodexResults(lines, turns, { id, attempt, callIds: new Set(outputs.keys()) });
  switch (plan.kind) {
    case 'unknown':
      // An output without its call would be refused.
      return { kind: 'start', events: [], prompt: await toResultsPrompt(turn), further };
    case 'ended':
      return endOrGoOn(plan.events, further);
    case 'continue': {
      const inner = findItemOutputs(turns);
      const outputOf = (callId: string): ToolOutput => {
        const content = inner.get(callId);
        return outputs.get(callId) ?? (content === undefined ? INTERRUPTED_OUTPUT : toolResultOutput(content));
      };
      const answered = plan.unanswered.map((call) => ({ call, output: outputOf(call.id) }));
      await injectOutputs(context, answered);
      const parked = await parkAgain(context, plan.waiting);
      if (parked.length > 0) {
        // The model hears it with the last of the results.
        const seed: readonly SeedMessage[] = prompt.length === 0 ? [] : [{ role: 'user', content: prompt }];
        await injectSeed(thread, open, { seed, attempt });
        return { kind: 'over', events: [...plan.events, ...parked] };
      }
      return { kind: 'start', events: plan.events, prompt: plan.isPromptHeard ? [] : prompt, further };
    }
    default: {
      const never: never = plan;
      return never;
    }
  }
}

/** How a turn goes on whose earlier attempt died; `undefined` if Codex has nothing of it. */
export async function beginAgain(context: BeginningContext, turn: HarnessTurn): Promise<Beginning | undefined> {
  const turns = await newestTurns(context.open);
  const furtherIds = new Set(turn.furtherMessages?.map(({ id }) => id));
  const further = missingMessages(turn, turns);
  const resumption = planResumption(turns, { id: turn.id, furtherIds });
  switch (resumption.kind) {
    case 'prompt':
      return undefined;
    case 'ended':
      return endOrGoOn(resumption.events, further);
    case 'continue': {
      const lines = turn.callerTools === undefined ? [] : await readLines(context);
      const waiting = findOpenCallsSince(lines, resumption.codexTurnId).filter(isCallerCall);
      const parked = await parkAgain(context, waiting);
      if (parked.length > 0) return { kind: 'over', events: [...resumption.events, ...parked] };
      return { kind: 'start', events: resumption.events, prompt: [], further };
    }
    default: {
      const never: never = resumption;
      return never;
    }
  }
}

/** A message that the agent has not heard is still to be heard in this turn. */
function endOrGoOn(events: readonly HarnessEvent[], further: readonly FurtherMessage[]): Beginning {
  if (further.length === 0) return { kind: 'over', events };
  return {
    kind: 'start',
    events: events.filter(({ type }) => type !== 'turn-end' && type !== 'turn-failed'),
    prompt: [],
    further,
  };
}

/** The further messages of a turn that the record lacks; of the first attempt there are none. */
function missingMessages(
  { furtherMessages = [] }: HarnessTurn,
  turns: readonly JsonValue[],
): readonly FurtherMessage[] {
  const heard = findHeardMessages(turns, new Set(furtherMessages.map(({ id }) => id)));
  return furtherMessages.filter(({ id }) => !heard.has(id));
}

/** Ends the turn with calls that the record has and nobody has answered; nothing if none of them can go to the caller. */
async function parkAgain(
  context: BeginningContext,
  waiting: readonly RecordedCall[],
): Promise<readonly HarnessEvent[]> {
  const calls = new DynamicToolCalls(context.setup.tools, () => undefined, checkStrictInput);
  for (const call of waiting) calls.add(call);
  await calls.checked();
  const emitted = calls.takeEmittable();
  const refused = waiting.flatMap((call) => {
    const output = calls.refused.get(call.id);
    return output === undefined ? [] : [{ call, output }];
  });
  await injectOutputs(context, refused);
  if (emitted.length === 0) return [];
  return [
    ...emitted.map((call): HarnessEvent => ({ type: 'caller-tool-call', ...call })),
    { type: 'turn-end', reason: 'tool_use' },
  ];
}

interface AnsweredCall {
  readonly call: RecordedCall;
  readonly output: ToolOutput;
}

async function injectOutputs({ open, thread }: BeginningContext, answered: readonly AnsweredCall[]): Promise<void> {
  if (answered.length === 0) return;
  const uploads = answered.flatMap(({ output }) => output.uploads);
  await writeUploads(thread.files, uploads);
  const items = answered.map(({ call, output }): JsonObject => toOutputItem(call, output));
  await open.running.server.request('thread/inject_items', { threadId: open.conversation.threadId, items });
}

function newestTurns({ running, conversation }: OpenConversation): Promise<readonly JsonValue[]> {
  return conversation.resumed ? readNewestTurns(running.server, conversation.threadId) : Promise.resolve([]);
}

async function readLines({ thread, open }: BeginningContext): Promise<readonly RolloutLine[]> {
  const [path] = await findRecordings(thread.files, open.conversation.threadId);
  return path === undefined ? [] : readRecording(thread.files, path);
}
