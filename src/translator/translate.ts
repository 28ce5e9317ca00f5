import { EVENT_TRAITS, type SilentEvent } from '../domain/event-traits.js';
import type { HarnessEvent, TokenUsage } from '../domain/harness-event.js';
import { type AnthropicErrorObject, toAnthropicError } from '../anthropic/anthropic-error.js';
import {
  EMPTY_MESSAGE,
  appendBlock,
  closeBlock,
  recordModelCall,
  noteProgress,
  appendText,
  emitKeepAlive,
  type OpenMessage,
} from './open-message.js';
import type { StopDetails, StreamEvent } from '../anthropic/stream-event.js';
import { initialWireUsage, turnUsage } from '../anthropic/usage.js';
import { callerToolId, mcpToolId, mcpToolResult, messageEnd, messageStart } from '../anthropic/stream-parts.js';

/** What a turn's message needs to know that its harness does not say. */
export interface TranslateOptions {
  readonly messageId: string;
  /** The thread's model, for the message's `model`. */
  readonly model: string;
  /** Context of the thread before this turn, for `message_start`; see {@link initialWireUsage}. `null` for a new thread. */
  readonly knownUsage: TokenUsage | null;
  /** Whether a keep-alive may tell what the agent is at, in a thinking block; else it is empty. */
  readonly tellsProgress?: boolean;
}

/** Nothing has been sent, so a failure can still become an HTTP status. */
interface Idle {
  readonly phase: 'idle';
  readonly options: TranslateOptions;
}

/** The message or the error is complete. */
interface Done {
  readonly phase: 'done';
}

/** Where a turn's message stands. Immutable. */
export type TranslatorState = Idle | OpenMessage | Done;

/** The next state, and what to send. */
export type TranslatorStep = readonly [TranslatorState, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];
const DONE: Done = { phase: 'done' };

/** The error that the caller gets when the events stop without an end. */
const NO_END: AnthropicErrorObject = {
  type: 'api_error',
  message: 'The agent stopped before its turn ended.',
};

/** The state before a turn's first event. */
export function initialState(options: TranslateOptions): TranslatorState {
  return { phase: 'idle', options };
}

/**
 * One harness event as the stream events of one outer message: indices 0, 1, 2…, one block open at a time.
 * What each kind comes to before the message has begun, in an open block and after the end is a table in translate.table.spec.ts.
 *
 * A block that was closed is never opened again: more deltas under its id make a new block.
 */
export function translateEvent(state: TranslatorState, event: HarnessEvent): TranslatorStep {
  switch (state.phase) {
    case 'idle':
      return stepIdle(state, event);
    case 'open':
      return stepOpen(state, event);
    case 'done':
      return [state, NOTHING];
    default: {
      const unreachable: never = state;
      return unreachable;
    }
  }
}

/** {@link translateEvent} over a batch. */
export function translateEvents(state: TranslatorState, events: readonly HarnessEvent[]): TranslatorStep {
  const sent: StreamEvent[] = [];
  let current = state;
  for (const event of events) {
    const [next, out] = translateEvent(current, event);
    current = next;
    for (const streamEvent of out) sent.push(streamEvent);
  }
  return [current, sent];
}

/** Sends `message_start` if nothing was sent yet, so that a caller of a slow turn sees a beginning. */
export function forceStart(state: TranslatorState): TranslatorStep {
  if (state.phase !== 'idle') return [state, NOTHING];
  const { messageId, model, knownUsage, tellsProgress } = state.options;
  const begun = tellsProgress === true ? { ...EMPTY_MESSAGE, progress: '' } : EMPTY_MESSAGE;
  return [begun, [messageStart(messageId, model, initialWireUsage(knownUsage))]];
}

/**
 * Sends a delta that says nothing of the answer, and a block to put it in if none is open. Pings alone keep Claude Code 2.1.330
 * waiting for 600 s only; any delta starts its watchdog anew. The block is a thinking block as clients hide those.
 */
export function keepAlive(state: TranslatorState): TranslatorStep {
  switch (state.phase) {
    case 'idle':
      return followedBy(forceStart(state), keepAlive);
    case 'open':
      return emitKeepAlive(state);
    case 'done':
      return [state, NOTHING];
    default: {
      const unreachable: never = state;
      return unreachable;
    }
  }
}

/** The events are over: a turn that did not say its end becomes an error, so that no caller waits for ever. */
export function endOfEvents(state: TranslatorState): TranslatorStep {
  return state.phase === 'done' ? [state, NOTHING] : fail(state, NO_END);
}

function stepIdle(state: Idle, event: HarnessEvent): TranslatorStep {
  if (event.type === 'turn-failed') return fail(state, toAnthropicError(event));
  return EVENT_TRAITS[event.type].begins
    ? followedBy(forceStart(state), (begun) => translateEvent(begun, event))
    : [state, NOTHING];
}

function stepOpen(state: OpenMessage, event: HarnessEvent): TranslatorStep {
  switch (event.type) {
    case 'text-delta':
      return appendText(state, 'text', event.id, event.text);
    case 'thinking-delta':
      return appendText(state, 'thinking', event.id, event.text);
    case 'block-end':
      return state.block?.id === event.id ? closeBlock(state, event.signature ?? '') : [state, NOTHING];
    case 'tool-call': {
      const { name, server, input } = event;
      return appendBlock(state, { type: 'mcp_tool_use', id: mcpToolId(event.id), name, server_name: server, input });
    }
    case 'tool-result':
      return appendBlock(state, mcpToolResult(event.id, event.content, event.isError));
    case 'caller-tool-call':
      return appendBlock(state, {
        type: 'tool_use',
        id: callerToolId(event.id),
        name: event.name,
        input: event.input,
      });
    case 'attempt-start':
      return closeBlock(state, '');
    case 'model-call-end':
      return [recordModelCall(state, event.model, event.usage), NOTHING];
    case 'notice':
      return [event.kind === 'progress' ? noteProgress(state, event.message) : state, NOTHING];
    case 'turn-end':
      return end(state, event);
    case 'turn-failed':
      return fail(state, toAnthropicError(event));
    default:
      event satisfies SilentEvent;
      return [state, NOTHING];
  }
}

function followedBy([state, events]: TranslatorStep, move: (state: TranslatorState) => TranslatorStep): TranslatorStep {
  const [next, more] = move(state);
  return [next, [...events, ...more]];
}

function end(state: OpenMessage, event: Extract<HarnessEvent, { readonly type: 'turn-end' }>): TranslatorStep {
  const [, closing] = closeBlock(state, '');
  const reason = event.reason === 'interrupted' ? 'end_turn' : event.reason;
  const details: StopDetails =
    reason === 'refusal' ? { type: 'refusal', ...(event.refusal ?? { category: null, explanation: null }) } : null;
  const usage = turnUsage(event.usage ?? state.totals, state.iterations);
  return [DONE, [...closing, ...messageEnd({ reason, sequence: event.stopSequence ?? null, details }, usage)]];
}

function fail(state: Idle | OpenMessage, error: AnthropicErrorObject): TranslatorStep {
  const closing = state.phase === 'open' ? closeBlock(state, '')[1] : NOTHING;
  return [DONE, [...closing, { type: 'error', error }]];
}
