import { addUsage } from '../../anthropic/usage.js';
import type { SilentEvent } from '../../domain/event-traits.js';
import type { FailureKind, HarnessEvent, TurnEndReason } from '../../domain/harness-event.js';
import { parseObject } from '../../domain/json.js';
import {
  CONTEXT_FULL,
  NO_END,
  type OpenaiFailure,
  REFUSED,
  toFailureForm,
  wordFailure,
} from '../../openai/errors/failure-form.js';
import { toForcedInput } from '../../translator/views/forced-tool.js';
import { renderCall } from '../../translator/views/tool-lines.js';
import { type FinishReason, toCompletionUsage } from '../wire/completion.js';
import type { CompletionState, CompletionStep } from './completion-state.js';
import { appendCompletionText, closeText, sendParagraph } from './completion-text.js';
import { runSteps } from '../../domain/run-steps.js';

type ToolCall = Extract<HarnessEvent, { readonly type: 'tool-call' }>;
type CallerToolCall = Extract<HarnessEvent, { readonly type: 'caller-tool-call' }>;
type TurnEnd = Extract<HarnessEvent, { readonly type: 'turn-end' }>;

/**
 * Translates one harness event to what a caller is sent of it. A pure function, so the same log gives the same answer.
 *
 * | harness event      | sent                                                                          |
 * | ------------------ | ----------------------------------------------------------------------------- |
 * | `text-delta`       | `content`; that of another block is a paragraph of its own                    |
 * | `thinking-delta`   | `reasoning_content`, in the same way                                          |
 * | `tool-call`        | a paragraph with a line of text, if the caller wants lines                    |
 * | `caller-tool-call` | a call in `tool_calls`                                                        |
 * | `turn-end`         | `finish_reason` and the usage; a refusal is `content` first                   |
 * | `turn-failed`      | the failure                                                                   |
 * | others             | nothing                                                                       |
 *
 * After a stop sequence only the end is sent.
 */
export function translateToCompletion(state: CompletionState, event: HarnessEvent): CompletionStep {
  if (state.isDone) return [state, []];
  switch (event.type) {
    case 'text-delta':
      return state.stoppedAt === undefined ? sendAnswerText(state, event.id, event.text) : [state, []];
    case 'thinking-delta':
      return state.stoppedAt === undefined
        ? appendCompletionText(state, 'reasoning_content', event.id, event.text)
        : [state, []];
    case 'block-end':
      return state.open?.blockId === event.id ? closeText(state) : [state, []];
    case 'tool-call':
      return state.stoppedAt === undefined && state.view.hasToolLines ? sendLine(state, event) : [state, []];
    case 'caller-tool-call':
      return state.stoppedAt === undefined ? sendCall(state, event) : [state, []];
    case 'attempt-start':
      // The next attempt says again what the dead one had not finished.
      return closeText(state);
    case 'model-call-end': {
      const totals = state.totals === undefined ? event.usage : addUsage(state.totals, event.usage);
      return [{ ...state, totals }, []];
    }
    case 'turn-end':
      return endTurn(state, event);
    case 'turn-failed': {
      const { code } = toFailureForm(event.kind);
      return fail(state, { code, message: wordFailure(code, event.message) }, event.kind);
    }
    case 'tool-result':
      return [state, []];
    default:
      event satisfies SilentEvent;
      return [state, []];
  }
}

/** Translates a batch; see {@link translateToCompletion}. */
export function translateAllToCompletion(state: CompletionState, events: readonly HarnessEvent[]): CompletionStep {
  return runSteps(state, events, translateToCompletion);
}

/** Ends an answer whose events stop without an end, so that no caller waits forever. */
export function endCompletion(state: CompletionState): CompletionStep {
  return state.isDone ? [state, []] : fail(state, NO_END, 'internal');
}

function sendAnswerText(state: CompletionState, blockId: string, text: string): CompletionStep {
  const { forcedCall } = state.view;
  const call = forcedCall === undefined ? undefined : toForcedInput(forcedCall, parseObject(text));
  if (call === undefined) return appendCompletionText(state, 'content', blockId, text);
  // The agent does not wait for the result of such a call.
  return sendCall(state, { type: 'caller-tool-call', id: `call_${state.messageId.replace(/^msg_/, '')}`, ...call });
}

function sendLine(state: CompletionState, { id, name, server, input }: ToolCall): CompletionStep {
  const line = renderCall({ type: 'mcp_tool_use', id, name, server_name: server, input });
  return sendParagraph(state, id, line);
}

/** Sends a call of a tool that the caller runs. Its id is that of the agent: the caller's result must have the same. */
function sendCall(state: CompletionState, { id, name, input }: CallerToolCall): CompletionStep {
  const [closed, rest] = closeText(state);
  const call = {
    index: closed.calls,
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  } as const;
  return [{ ...closed, calls: closed.calls + 1 }, [...rest, { type: 'delta', delta: { tool_calls: [call] } }]];
}

function endTurn(state: CompletionState, { reason, refusal, usage }: TurnEnd): CompletionStep {
  const totals = usage ?? state.totals;
  if (reason === 'model_context_window_exceeded') return fail({ ...state, totals }, CONTEXT_FULL, 'context_too_long');
  const [said, events] =
    reason === 'refusal' && state.stoppedAt === undefined
      ? sendParagraph(state, 'refusal', refusal?.explanation ?? REFUSED)
      : [state, []];
  const [closed, rest] = closeText(said);
  const finishReason = closed.calls > 0 && reason === 'end_turn' ? 'tool_calls' : FINISH_REASONS[reason];
  return [
    { ...closed, totals, isDone: true },
    [...events, ...rest, { type: 'end', finishReason, usage: toCompletionUsage(totals) }],
  ];
}

const FINISH_REASONS: Readonly<Record<Exclude<TurnEndReason, 'model_context_window_exceeded'>, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  // Also at a stop sequence of the request, where the agent is interrupted.
  interrupted: 'stop',
  max_tokens: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};

function fail(state: CompletionState, failure: OpenaiFailure, kind: FailureKind): CompletionStep {
  const [closed, rest] = closeText(state);
  return [{ ...closed, isDone: true }, [...rest, { type: 'failure', failure, kind }]];
}
