// The moves of a message that has begun. Every move gives the next state and the stream events to send.
import type { TokenUsage } from '../domain/harness-event.js';
import type { ContentBlock, StreamEvent, UsageIteration } from '../anthropic/stream-event.js';
import { REPLACEMENT, joinSurrogates } from '../domain/well-formed.js';
import { NO_TOKENS, addUsage, usageIteration } from '../anthropic/usage.js';
import { blockDelta, blockEnd, blockStart, completeBlockEvents } from '../anthropic/stream-parts.js';

/** The block that the next delta may belong to. */
interface OpenBlock {
  readonly kind: 'text' | 'thinking';
  /** The harness's name of the block; `null` for the one that only keeps the connection alive. */
  readonly id: string | null;
  readonly index: number;
  /** Half a character that waits for its other half. */
  readonly held: string;
}

/** A message that has begun and not ended. Immutable; a token costs at most one new small object. */
export interface OpenMessage {
  readonly phase: 'open';
  readonly nextIndex: number;
  readonly block: OpenBlock | null;
  /** Sum of the model calls so far. */
  readonly totals: TokenUsage;
  /** The model calls so far. */
  readonly iterations: readonly UsageIteration[];
  /** The agent's progress for the next keep-alive: `''` for nothing new, `null` when it is never shown. */
  readonly progress: string | null;
}

/** The next state, and what to send. */
export type OpenMessageStep = readonly [OpenMessage, readonly StreamEvent[]];

/** A message without content. */
export const EMPTY_MESSAGE: OpenMessage = {
  phase: 'open',
  nextIndex: 0,
  block: null,
  totals: NO_TOKENS,
  iterations: [],
  progress: null,
};

/** Adds text to the block of this kind and name: the open one, or a new one in its place. Empty text does nothing. */
export function appendText(state: OpenMessage, kind: OpenBlock['kind'], id: string, text: string): OpenMessageStep {
  if (text === '') return [state, []];
  if (state.block !== null && state.block.id === id && state.block.kind === kind) {
    return addText(state, state.block, text);
  }
  const [closed, closing] = closeBlock(state, '');
  const block = newBlock(closed, kind, id);
  const [next, delta] = addText({ ...closed, nextIndex: block.index + 1, block }, block, text);
  return [next, [...closing, blockStart(kind, block.index), ...delta]];
}

/**
 * A delta that only keeps the connection alive: an empty one of the open block, or one of a thinking block of its own if none is
 * open. Clients hide thinking, so there it may tell what the agent is at.
 */
export function emitKeepAlive(state: OpenMessage): OpenMessageStep {
  const { block } = state;
  if (block !== null && block.id !== null) return [state, [blockDelta(block.kind, block.index, '')]];
  const shown: OpenMessage = state.progress === null ? state : { ...state, progress: '' };
  const words = state.progress === null || state.progress === '' ? '' : `${state.progress}\n`;
  if (block !== null) return [shown, [blockDelta(block.kind, block.index, words)]];
  const filler = newBlock(state, 'thinking', null);
  return [
    { ...shown, nextIndex: filler.index + 1, block: filler },
    [blockStart('thinking', filler.index), blockDelta('thinking', filler.index, words)],
  ];
}

/** Keeps the agent's progress for the next keep-alive, where it may be shown. */
export function noteProgress(state: OpenMessage, message: string): OpenMessage {
  return state.progress === null || state.progress === message ? state : { ...state, progress: message };
}

/** Closes the open block, if there is one; half a character that still waits is given up. */
export function closeBlock(state: OpenMessage, signature: string): OpenMessageStep {
  const { block } = state;
  if (block === null) return [state, []];
  const rest = block.held === '' ? [] : [blockDelta(block.kind, block.index, REPLACEMENT)];
  return [{ ...state, block: null }, [...rest, ...blockEnd(block.kind, block.index, signature)]];
}

/** Adds a block that is known as a whole, after closing the open one. */
export function appendBlock(state: OpenMessage, block: ContentBlock): OpenMessageStep {
  const [closed, closing] = closeBlock(state, '');
  return [
    { ...closed, nextIndex: closed.nextIndex + 1 },
    [...closing, ...completeBlockEvents(closed.nextIndex, block)],
  ];
}

/** Counts a model call that has ended. */
export function recordModelCall(state: OpenMessage, model: string, usage: TokenUsage): OpenMessage {
  return {
    ...state,
    totals: addUsage(state.totals, usage),
    iterations: [...state.iterations, usageIteration(model, usage)],
  };
}

function newBlock(state: OpenMessage, kind: OpenBlock['kind'], id: string | null): OpenBlock {
  return { kind, id, index: state.nextIndex, held: '' };
}

/** The path of every token: the state stays the same object unless half a character comes or goes. */
function addText(state: OpenMessage, block: OpenBlock, text: string): OpenMessageStep {
  const whole = joinSurrogates(block.held, text);
  const next = whole.held === block.held ? state : { ...state, block: { ...block, held: whole.held } };
  return [next, whole.text === '' ? [] : [blockDelta(block.kind, block.index, whole.text)]];
}
