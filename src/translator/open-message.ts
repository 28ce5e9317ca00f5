// The transitions of a started message. Each returns the next state and the stream events to send.
import type { TokenUsage } from '../domain/harness-event.js';
import type { ContentBlock, StreamEvent, UsageIteration } from '../anthropic/stream-event.js';
import { REPLACEMENT, joinSurrogates } from '../domain/surrogates.js';
import { NO_TOKENS, addUsage, toUsageIteration } from '../anthropic/usage.js';
import { blockDelta, blockEnd, blockStart, completeBlockEvents } from '../anthropic/stream-parts.js';

/** The open block. */
interface OpenBlock {
  readonly kind: 'text' | 'thinking';
  /** The harness's id of the block; `null` for a block that only keeps the connection alive. */
  readonly id: string | null;
  readonly index: number;
  /** A high surrogate that waits for its low surrogate. */
  readonly held: string;
}

/** A message that has started and not ended. Immutable; a token allocates at most one small object. */
export interface OpenMessage {
  readonly phase: 'open';
  readonly nextIndex: number;
  readonly block: OpenBlock | null;
  /** Sum of the model calls so far. */
  readonly totals: TokenUsage;
  /** The model calls so far. */
  readonly iterations: readonly UsageIteration[];
  /** The agent's progress for the next keep-alive: `''` if there is none, `null` if progress is never shown. */
  readonly progress: string | null;
}

/** The next state, and the events to send. */
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

/** Appends text to the open block if its kind and id match, else to a new block. Empty text does nothing. */
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
 * Emits a delta that keeps the connection alive: an empty delta of the open block, or a delta of a separate thinking block if none is
 * open. Clients hide thinking, so that delta may show the agent's progress.
 */
export function emitKeepAlive(state: OpenMessage): OpenMessageStep {
  const { block } = state;
  if (block !== null && block.id !== null) return [state, [blockDelta(block.kind, block.index, '')]];
  const shown: OpenMessage = state.progress === null ? state : { ...state, progress: '' };
  const text = state.progress === null || state.progress === '' ? '' : `${state.progress}\n`;
  if (block !== null) return [shown, [blockDelta(block.kind, block.index, text)]];
  const filler = newBlock(state, 'thinking', null);
  return [
    { ...shown, nextIndex: filler.index + 1, block: filler },
    [blockStart('thinking', filler.index), blockDelta('thinking', filler.index, text)],
  ];
}

/** Keeps the agent's progress for the next keep-alive, if progress is shown. */
export function noteProgress(state: OpenMessage, message: string): OpenMessage {
  return state.progress === null || state.progress === message ? state : { ...state, progress: message };
}

/** Closes the open block, if any; a held high surrogate becomes U+FFFD. */
export function closeBlock(state: OpenMessage, signature: string): OpenMessageStep {
  const { block } = state;
  if (block === null) return [state, []];
  const replacement = block.held === '' ? [] : [blockDelta(block.kind, block.index, REPLACEMENT)];
  return [{ ...state, block: null }, [...replacement, ...blockEnd(block.kind, block.index, signature)]];
}

/** Closes the open block and adds a complete one. */
export function appendBlock(state: OpenMessage, block: ContentBlock): OpenMessageStep {
  const [closed, closing] = closeBlock(state, '');
  return [
    { ...closed, nextIndex: closed.nextIndex + 1 },
    [...closing, ...completeBlockEvents(closed.nextIndex, block)],
  ];
}

/** Adds the usage of a finished model call. */
export function recordModelCall(state: OpenMessage, model: string, usage: TokenUsage): OpenMessage {
  return {
    ...state,
    totals: addUsage(state.totals, usage),
    iterations: [...state.iterations, toUsageIteration(model, usage)],
  };
}

function newBlock(state: OpenMessage, kind: OpenBlock['kind'], id: string | null): OpenBlock {
  return { kind, id, index: state.nextIndex, held: '' };
}

/** The hot path of every token: the state stays the same object unless the held surrogate changes. */
function addText(state: OpenMessage, block: OpenBlock, text: string): OpenMessageStep {
  const joined = joinSurrogates(block.held, text);
  const next = joined.held === block.held ? state : { ...state, block: { ...block, held: joined.held } };
  return [next, joined.text === '' ? [] : [blockDelta(block.kind, block.index, joined.text)]];
}
