import { addUsage } from '../../anthropic/usage.js';
import type { SilentEvent } from '../../domain/event-traits.js';
import type { HarnessEvent, TurnEndReason } from '../../domain/harness-event.js';
import {
  CONTEXT_FULL,
  NO_END,
  type OpenaiFailure,
  REFUSED,
  toFailureForm,
  wordFailure,
} from '../../openai/errors/failure-form.js';
import { type ResponseObject, type ResponseStatus, toResponseUsage } from '../wire/response-object.js';
import { beginCall, endCall, endOpenCalls, sendForcedCall, sendFunctionCall } from './call-items.js';
import { emit, inOrder, type ResponseState, type ResponseStep } from './response-state.js';
import { abandonItem, appendToItem, endBlock, sendMessage, settle } from './text-items.js';
import { runSteps } from '../../domain/run-steps.js';

type TurnEnd = Extract<HarnessEvent, { readonly type: 'turn-end' }>;
type LastStatus = Exclude<ResponseStatus, 'queued' | 'in_progress'>;

/** How a turn came out. */
interface Outcome {
  readonly status: LastStatus;
  readonly error?: OpenaiFailure;
}

/** Sends the first two events. They say nothing of the turn yet, so they are sent before the agent starts. */
export function startResponse(state: ResponseState): ResponseStep {
  const response = toResponse(state, { status: 'in_progress' });
  return emit(state, { type: 'response.created', response }, { type: 'response.in_progress', response });
}

/**
 * Translates one harness event to events of a streamed response, after those of {@link startResponse}. A pure function, so the same log
 * gives the same events with the same numbers.
 *
 * | harness event          | events                                                                                  |
 * | ---------------------- | --------------------------------------------------------------------------------------- |
 * | `text-delta`           | a `message` item and its deltas; text of another block ends it                          |
 * | `thinking-delta`       | a `reasoning` item with one summary, and its deltas                                     |
 * | `block-end`            | the end of a `reasoning` item; that of a message follows with the next event: its phase |
 * | `tool-call`            | an `mcp_call` item, a line of text, or both                                             |
 * | `tool-result`          | the end of that item                                                                    |
 * | `caller-tool-call`     | a `function_call` item                                                                  |
 * | `attempt-start`        | the end of an item that the dead attempt left, as `incomplete`                          |
 * | `turn-end`             | the ends of open items, and `response.completed`, `.incomplete`, `.failed`, `.cancelled` |
 * | `turn-failed`          | the ends of open items, and `response.failed`                                           |
 * | `model-call-end`       | nothing; the usage                                                                      |
 * | others                 | nothing                                                                                 |
 */
export function translateToResponse(state: ResponseState, event: HarnessEvent): ResponseStep {
  if (state.isDone) return [state, []];
  switch (event.type) {
    case 'text-delta':
      return sendForcedCall(state, event.text) ?? appendToItem(state, 'message', event.id, event.text);
    case 'thinking-delta':
      return appendToItem(state, 'reasoning', event.id, event.text);
    case 'block-end':
      return endBlock(state, event.id);
    case 'tool-call':
      return beginCall(state, event);
    case 'tool-result':
      return endCall(state, event);
    case 'caller-tool-call':
      return sendFunctionCall(state, event);
    case 'attempt-start':
      return abandonItem(state);
    case 'model-call-end': {
      const totals = state.totals === undefined ? event.usage : addUsage(state.totals, event.usage);
      return [{ ...state, totals, lastCall: event.usage }, []];
    }
    case 'turn-end':
      return endTurn(state, event);
    case 'turn-failed': {
      const { code } = toFailureForm(event.kind);
      return finish(state, { status: 'failed', error: { code, message: wordFailure(code, event.message) } });
    }
    default:
      event satisfies SilentEvent;
      return [state, []];
  }
}

/** Translates a batch; see {@link translateToResponse}. */
export function translateAllToResponse(state: ResponseState, events: readonly HarnessEvent[]): ResponseStep {
  return runSteps(state, events, translateToResponse);
}

/** Ends a response whose events stop without an end, so that no caller waits forever. */
export function endResponse(state: ResponseState): ResponseStep {
  return state.isDone ? [state, []] : finish(state, { status: 'failed', error: NO_END });
}

/** Makes the response as it is now. */
export function toResponse(
  state: ResponseState,
  { status, error }: { status: ResponseStatus; error?: OpenaiFailure },
): ResponseObject {
  const usage = state.view.usageOf === 'last-call' ? (state.lastCall ?? state.totals) : state.totals;
  return {
    ...state.facts,
    status,
    error: error ?? null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    output: state.output.toSorted((one, other) => one.index - other.index).map(({ item }) => item),
    usage: usage === undefined ? null : toResponseUsage(usage),
  };
}

function endTurn(state: ResponseState, { reason, refusal, usage }: TurnEnd): ResponseStep {
  const totals = usage ?? state.totals;
  const ended = totals === undefined ? state : { ...state, totals };
  if (reason !== 'refusal') return finish(ended, toOutcome(reason, state.view.endsCancelled));
  // As text: Codex shows nothing of a `refusal` part. [Codex 0.169.0]
  const text = refusal?.explanation ?? REFUSED;
  return inOrder(
    ended,
    (current) => settle(current, 'commentary'),
    (current) => sendMessage(current, text, 'final_answer'),
    (current) => finish(current, { status: 'completed' }),
  );
}

function toOutcome(reason: Exclude<TurnEndReason, 'refusal'>, endsCancelled: boolean): Outcome {
  switch (reason) {
    case 'end_turn':
    case 'tool_use':
    case 'stop_sequence':
      return { status: 'completed' };
    case 'interrupted':
      return { status: endsCancelled ? 'cancelled' : 'completed' };
    case 'max_tokens':
      return { status: 'incomplete' };
    case 'model_context_window_exceeded':
      return { status: 'failed', error: CONTEXT_FULL };
    default:
      return reason satisfies never;
  }
}

function finish(state: ResponseState, outcome: Outcome): ResponseStep {
  return inOrder(
    state,
    (current) => settle(current, 'final_answer'),
    endOpenCalls,
    (current) =>
      emit(
        { ...current, isDone: true },
        { type: `response.${outcome.status}`, response: toResponse(current, outcome) },
      ),
  );
}
