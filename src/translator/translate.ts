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
import { initialWireUsage, toTurnUsage } from '../anthropic/usage.js';
import { toMcpToolId, toMcpToolResult, messageEnd, messageStart } from '../anthropic/stream-parts.js';
import { runSteps } from '../domain/run-steps.js';

/** Facts about a turn's message that its harness does not emit. */
export interface TranslateOptions {
  readonly messageId: string;
  /** The thread's model, for the message's `model`. */
  readonly model: string;
  /** Context of the thread before this turn, for `message_start`; see {@link initialWireUsage}. `null` for a new thread. */
  readonly knownUsage: TokenUsage | null;
  /** Whether a keep-alive may show the agent's progress in a thinking block; otherwise it is empty. */
  readonly showsProgress?: boolean;
}

/** Nothing was sent yet, so a failure can still become an HTTP status. */
interface Idle {
  readonly phase: 'idle';
  readonly options: TranslateOptions;
}

/** The message or the error is complete. */
interface Done {
  readonly phase: 'done';
}

/** The translation state of a turn's message. Immutable. */
export type TranslatorState = Idle | OpenMessage | Done;

/** The next state, and the events to send. */
export type TranslatorStep = readonly [TranslatorState, readonly StreamEvent[]];

const NOTHING: readonly StreamEvent[] = [];
const DONE: Done = { phase: 'done' };

/** The error for events that stop without an end. */
const NO_END: AnthropicErrorObject = {
  type: 'api_error',
  message: 'The agent stopped before its turn ended.',
};

/** Makes the state before a turn's first event. */
export function initialState(options: TranslateOptions): TranslatorState {
  return { phase: 'idle', options };
}

/**
 * Translates one harness event to stream events of one outer message: indices 0, 1, 2…, one block open at a time.
 * translate.table.spec.ts has a table of each kind of event before the start, in an open block and after the end.
 *
 * A closed block never reopens: more deltas with its id open a new block.
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

/** Translates a batch; see {@link translateEvent}. */
export function translateEvents(state: TranslatorState, events: readonly HarnessEvent[]): TranslatorStep {
  return runSteps(state, events, translateEvent);
}

/** Sends `message_start` if nothing was sent yet, so that the caller of a slow turn sees a start. */
export function forceStart(state: TranslatorState): TranslatorStep {
  if (state.phase !== 'idle') return [state, NOTHING];
  const { messageId, model, knownUsage, showsProgress } = state.options;
  const begun = showsProgress === true ? { ...EMPTY_MESSAGE, progress: '' } : EMPTY_MESSAGE;
  return [begun, [messageStart(messageId, model, initialWireUsage(knownUsage))]];
}

/**
 * Sends a delta without content, in a new block if none is open. With pings alone Claude Code 2.1.330 gives up after 600 s; any delta
 * resets its watchdog. The new block is a thinking block, because clients hide those.
 */
export function keepAlive(state: TranslatorState): TranslatorStep {
  switch (state.phase) {
    case 'idle':
      return andThen(forceStart(state), keepAlive);
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

/** Ends the stream: a turn without an end becomes an error, so that no caller waits forever. */
export function endOfEvents(state: TranslatorState): TranslatorStep {
  return state.phase === 'done' ? [state, NOTHING] : fail(state, NO_END);
}

function stepIdle(state: Idle, event: HarnessEvent): TranslatorStep {
  if (event.type === 'turn-failed') return fail(state, toAnthropicError(event));
  return EVENT_TRAITS[event.type].begins
    ? andThen(forceStart(state), (begun) => translateEvent(begun, event))
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
      return appendBlock(state, { type: 'mcp_tool_use', id: toMcpToolId(event.id), name, server_name: server, input });
    }
    case 'tool-result':
      return appendBlock(state, toMcpToolResult(event.id, event.content, event.isError));
    case 'caller-tool-call':
      return appendBlock(state, {
        type: 'tool_use',
        // As the agent has it: the caller's `tool_result` must have the same.
        id: event.id,
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

function andThen([state, events]: TranslatorStep, step: (state: TranslatorState) => TranslatorStep): TranslatorStep {
  const [next, more] = step(state);
  return [next, [...events, ...more]];
}

function end(state: OpenMessage, event: Extract<HarnessEvent, { readonly type: 'turn-end' }>): TranslatorStep {
  const [, closing] = closeBlock(state, '');
  const reason = event.reason === 'interrupted' ? 'end_turn' : event.reason;
  const details: StopDetails =
    reason === 'refusal' ? { type: 'refusal', ...(event.refusal ?? { category: null, explanation: null }) } : null;
  const usage = toTurnUsage(event.usage ?? state.totals, state.iterations);
  return [DONE, [...closing, ...messageEnd({ reason, sequence: event.stopSequence ?? null, details }, usage)]];
}

function fail(state: Idle | OpenMessage, error: AnthropicErrorObject): TranslatorStep {
  const closing = state.phase === 'open' ? closeBlock(state, '')[1] : NOTHING;
  return [DONE, [...closing, { type: 'error', error }]];
}
