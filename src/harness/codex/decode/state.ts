import type { HarnessEvent, JsonValue } from '../../../domain/harness-event.js';
import type { OpenBlock } from './blocks.js';
import type { RunningTool } from './progress.js';
import { initialUsage, type UsageState } from './usage.js';

/** What the decoder has to remember from one line to the next. */
export interface CodexState {
  /** Our conversation; whatever another one says is a sub-agent's and is passed over. `undefined` until it is known. */
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
  /** `ended`: the end of the turn was told, and nothing more is until the next one starts. */
  readonly phase: 'idle' | 'running' | 'ended';
  /** The blocks that are being streamed, by the name of their item. */
  readonly blocks: ReadonlyMap<string, OpenBlock>;
  /** The calls that were told and have not answered. */
  readonly calls: ReadonlySet<string>;
  /** The items of which no more is to be told: what comes of them again is a repetition. */
  readonly done: ReadonlySet<string>;
  /** The newest message of the agent, while it is not completed. */
  readonly begun: string | undefined;
  /** What is known of the tools that run, to tell of their progress. */
  readonly running: ReadonlyMap<string, RunningTool>;
  /** How many names had to be made up in this turn. */
  readonly named: number;
  /** Whether any text was told in this turn. */
  readonly spoke: boolean;
  readonly usage: UsageState;
}

/** A line's effect: what to remember, and what to tell. */
export type CodexStep = readonly [CodexState, readonly HarnessEvent[]];

/** The part of the state that every turn begins with. */
export const FRESH_TURN: Omit<CodexState, 'threadId' | 'turnId' | 'usage'> = {
  phase: 'running',
  blocks: new Map(),
  calls: new Set(),
  done: new Set(),
  begun: undefined,
  running: new Map(),
  named: 0,
  spoke: false,
};

/** Before the first line. `threadId` and `model` when they are known, from the answer to `thread/start`. */
export function initialCodexState(known: { readonly threadId?: string; readonly model?: string } = {}): CodexState {
  const usage = initialUsage(known.model ?? 'unknown');
  return { ...FRESH_TURN, phase: 'idle', threadId: known.threadId, turnId: undefined, usage };
}

/** The set with one more element. */
export function including(set: ReadonlySet<string>, element: string): ReadonlySet<string> {
  return new Set(set).add(element);
}

/** The set without one of its elements. */
export function excluding(set: ReadonlySet<string>, element: string): ReadonlySet<string> {
  const rest = new Set(set);
  rest.delete(element);
  return rest;
}

/** The open blocks with one of them changed, or removed for `undefined`. */
export function withBlock(state: CodexState, key: string, block: OpenBlock | undefined): CodexState {
  const blocks = new Map(state.blocks);
  if (block === undefined) blocks.delete(key);
  else blocks.set(key, block);
  return { ...state, blocks };
}

/** Whether a call was told already. */
export function isEmitted(state: CodexState, callId: string): boolean {
  return state.calls.has(callId) || state.done.has(callId);
}

/** Whether what is said of a turn is said of ours; what names no turn is. */
export function isOurTurn(state: CodexState, turnId: string | undefined): boolean {
  return turnId === undefined || state.turnId === undefined || turnId === state.turnId;
}

/** With the model that is asked from now on; anything but a name changes nothing. */
export function withModel(state: CodexState, model: JsonValue | undefined): CodexState {
  return typeof model === 'string' ? { ...state, usage: { ...state.usage, model } } : state;
}
