// The moves of a message that has begun. Every move gives the next state and the stream events to send.
import type { TokenUsage } from '../harness/harness-event.js';
import type { ContentBlock, StreamEvent, UsageIteration } from './stream-event.js';
import { REPLACEMENT, wholeCharacters } from './surrogates.js';
import { NO_TOKENS, addUsage, usageIteration } from './usage.js';
import { blockDelta, blockEnd, emptyBlock, wholeBlock } from './wire.js';

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
export interface Open {
  readonly phase: 'open';
  readonly nextIndex: number;
  readonly block: OpenBlock | null;
  /** Sum of the model calls so far. */
  readonly totals: TokenUsage;
  /** The model calls so far. */
  readonly iterations: readonly UsageIteration[];
}

/** The next state, and what to send. */
export type OpenStep = readonly [Open, readonly StreamEvent[]];

/** A message without content. */
export const BEGUN: Open = { phase: 'open', nextIndex: 0, block: null, totals: NO_TOKENS, iterations: [] };

/** Adds text to the block of this kind and name: the open one, or a new one in its place. Empty text does nothing. */
export function speak(state: Open, kind: OpenBlock['kind'], id: string, text: string): OpenStep {
  if (text === '') return [state, []];
  if (state.block !== null && state.block.id === id && state.block.kind === kind) {
    return addText(state, state.block, text);
  }
  const [closed, closing] = closeBlock(state, '');
  const block = newBlock(closed, kind, id);
  const [next, delta] = addText({ ...closed, nextIndex: block.index + 1, block }, block, text);
  return [next, [...closing, emptyBlock(kind, block.index), ...delta]];
}

/** An empty delta of the open block, or of a new thinking block if none is open: clients hide those. */
export function touch(state: Open): OpenStep {
  if (state.block !== null) return [state, [blockDelta(state.block.kind, state.block.index, '')]];
  const block = newBlock(state, 'thinking', null);
  return [
    { ...state, nextIndex: block.index + 1, block },
    [emptyBlock('thinking', block.index), blockDelta('thinking', block.index, '')],
  ];
}

/** Closes the open block, if there is one; half a character that still waits is given up. */
export function closeBlock(state: Open, signature: string): OpenStep {
  const { block } = state;
  if (block === null) return [state, []];
  const rest = block.held === '' ? [] : [blockDelta(block.kind, block.index, REPLACEMENT)];
  return [{ ...state, block: null }, [...rest, ...blockEnd(block.kind, block.index, signature)]];
}

/** Adds a block that is known as a whole, after closing the open one. */
export function addBlock(state: Open, block: ContentBlock): OpenStep {
  const [closed, closing] = closeBlock(state, '');
  return [{ ...closed, nextIndex: closed.nextIndex + 1 }, [...closing, ...wholeBlock(closed.nextIndex, block)]];
}

/** Counts a model call that has ended. */
export function countCall(state: Open, model: string, usage: TokenUsage): Open {
  return {
    ...state,
    totals: addUsage(state.totals, usage),
    iterations: [...state.iterations, usageIteration(model, usage)],
  };
}

function newBlock(state: Open, kind: OpenBlock['kind'], id: string | null): OpenBlock {
  return { kind, id, index: state.nextIndex, held: '' };
}

/** The path of every token: the state stays the same object unless half a character comes or goes. */
function addText(state: Open, block: OpenBlock, text: string): OpenStep {
  const whole = wholeCharacters(block.held, text);
  const next = whole.held === block.held ? state : { ...state, block: { ...block, held: whole.held } };
  return [next, whole.text === '' ? [] : [blockDelta(block.kind, block.index, whole.text)]];
}
