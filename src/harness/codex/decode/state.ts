import type { HarnessEvent, JsonValue } from '../../../domain/harness-event.js';
import type { OpenBlock } from './blocks.js';
import type { RunningTool } from '../../decode/progress-notice.js';
import { initialUsage, type UsageState } from './usage.js';

/** Decoder state between lines. */
export interface CodexState {
  /** Our conversation; notifications of other ones belong to sub-agents and are ignored. `undefined` until it is known. */
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
  /** `ended`: the end of the turn was emitted; nothing more is emitted until the next turn starts. */
  readonly phase: 'idle' | 'running' | 'ended';
  /** Open blocks by the id of their item. */
  readonly blocks: ReadonlyMap<string, OpenBlock>;
  /** Emitted tool calls without a result. */
  readonly calls: ReadonlySet<string>;
  /** Completed items; later notifications about them are duplicates. */
  readonly done: ReadonlySet<string>;
  /** The newest agent message, until it is completed. */
  readonly begun: string | undefined;
  /** Running tools, for progress notices. */
  readonly running: ReadonlyMap<string, RunningTool>;
  /** Number of generated ids in this turn. */
  readonly named: number;
  /** Whether any text was emitted in this turn. */
  readonly spoke: boolean;
  readonly usage: UsageState;
  /** Further messages of the user that Codex has taken and the model has not heard. */
  readonly unheard: ReadonlySet<string>;
}

/** The effect of a line: the next state and the events to emit. */
export type CodexStep = readonly [CodexState, readonly HarnessEvent[]];

/** The part of the state that every turn begins with. */
export const FRESH_TURN: Omit<CodexState, 'threadId' | 'turnId' | 'usage' | 'unheard'> = {
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
  return { ...FRESH_TURN, phase: 'idle', threadId: known.threadId, turnId: undefined, usage, unheard: new Set() };
}

/** The set with one more element. */
export function withElement(set: ReadonlySet<string>, element: string): ReadonlySet<string> {
  return new Set(set).add(element);
}

/** The set without one of its elements. */
export function withoutElement(set: ReadonlySet<string>, element: string): ReadonlySet<string> {
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

/** Whether a call was already emitted. */
export function isEmitted(state: CodexState, callId: string): boolean {
  return state.calls.has(callId) || state.done.has(callId);
}

/** Whether a notification belongs to our turn; one without a turn id does. */
export function isOurTurn(state: CodexState, turnId: string | undefined): boolean {
  return turnId === undefined || state.turnId === undefined || turnId === state.turnId;
}

/** Sets the model of later calls; ignores anything but a string. */
export function withModel(state: CodexState, model: JsonValue | undefined): CodexState {
  return typeof model === 'string' ? { ...state, usage: { ...state.usage, model } } : state;
}
