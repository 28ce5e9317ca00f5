import type { HarnessEvent, JsonValue, Refusal, TokenUsage, TurnEndReason } from '../../../domain/harness-event.js';
import type { BackgroundTasks } from './background-tasks.js';
import { startTasks, NO_BACKGROUND_TASKS } from './background-tasks.js';
import type { ErrorStop } from './stop.js';
import type { SchemaWrapping } from './structured-output.js';
import { addCallUsage, isUsed, NO_USAGE, subtractUsage } from './usage.js';

/** A model message that is being streamed. */
export interface StreamedMessage {
  readonly id: string;
  readonly model: string;
  readonly usage: TokenUsage;
  /** Open text and thinking blocks by index, each with its signature so far. */
  readonly open: ReadonlyMap<number, string>;
  readonly closed: ReadonlySet<number>;
  /** Whether the final usage of the call has arrived. */
  readonly counted: boolean;
  /** Whether the message was already emitted, so that it is ignored. */
  readonly repeated: boolean;
}

/** A model message that arrives only in `assistant` lines; its final usage is unknown until the `result`. */
export interface UnstreamedMessage {
  readonly id: string;
  readonly model: string;
  readonly usage: TokenUsage;
}

/** Decoder state of a turn. Immutable. */
export interface DecoderState {
  /** Whether the process works on the prompt; an earlier interrupt is lost (2.1.330). */
  readonly started: boolean;
  readonly ended: boolean;
  readonly streaming: StreamedMessage | undefined;
  /** Ids of all streamed messages. */
  readonly streamed: ReadonlySet<string>;
  readonly unstreamed: UnstreamedMessage | undefined;
  /** Number of blocks of each unstreamed message. */
  readonly unstreamedBlocks: ReadonlyMap<string, number>;
  /** Ids of the `assistant` lines, tool calls and tool results so far. */
  readonly seenIds: ReadonlySet<string>;
  /** Tokens of the model calls that ended since the last `result`. */
  readonly sinceResult: TokenUsage;
  /** Tokens of the turn's `result` lines. */
  readonly total: TokenUsage;
  /** Tokens that ends of parked turns have reported, which the next `result` counts again. */
  readonly reported: TokenUsage;
  readonly stopSequence: string | undefined;
  /** Of the newest `result` line. */
  readonly reason: TurnEndReason;
  /** The model provider's refusal of the newest message, if it refused that. */
  readonly refusal: Refusal | undefined;
  /** The text of a synthetic line about a failed model call. */
  readonly failure: string | undefined;
  /** The end reason of such a line, if it reports a regular end. */
  readonly errorStop: ErrorStop['reason'] | undefined;
  /** The shape of the required answer; `undefined` without an output schema. */
  readonly shape: SchemaWrapping | undefined;
  /** The newest such answer. */
  readonly answer: JsonValue | undefined;
  /** The last progress notice about each tool, sub-agent or task, in seconds on the clock of that tool, sub-agent or task. */
  readonly lastNoticeAt: ReadonlyMap<string, number>;
  readonly interrupted: boolean;
  /** Messages of the user that the model has not heard, by the `uuid` of their line; see `expectMessage`. */
  readonly unheard: ReadonlyMap<string, string | undefined>;
  /** The end of the turn, if it waits for such a message. */
  readonly postponed: readonly HarnessEvent[];
}

/** Decoder state of a process. Immutable. */
export interface ClaudeState {
  readonly sessionId: string | undefined;
  readonly tasks: BackgroundTasks;
  readonly turn: DecoderState;
}

const NEW_TURN: DecoderState = {
  started: false,
  ended: false,
  streaming: undefined,
  streamed: new Set(),
  unstreamed: undefined,
  unstreamedBlocks: new Map(),
  seenIds: new Set(),
  sinceResult: NO_USAGE,
  total: NO_USAGE,
  reported: NO_USAGE,
  stopSequence: undefined,
  reason: 'end_turn',
  refusal: undefined,
  failure: undefined,
  errorStop: undefined,
  shape: undefined,
  answer: undefined,
  lastNoticeAt: new Map(),
  interrupted: false,
  unheard: new Map(),
  postponed: [],
};

/** The state of a new process, before its first line. */
export function initialDecoderState(): ClaudeState {
  return { sessionId: undefined, tasks: NO_BACKGROUND_TASKS, turn: NEW_TURN };
}

/** The state at the start of the process's next turn. `shape` is the shape of the required answer, if the turn has an output schema. */
export function startTurn(state: ClaudeState, shape?: SchemaWrapping): ClaudeState {
  return { ...state, tasks: startTasks(state.tasks), turn: { ...NEW_TURN, shape } };
}

/** Whether the model is writing a message of the agent itself. Its final usage arrives after its last block (recording claude-tool). */
export function isMessageOpen({ streaming }: DecoderState): boolean {
  return streaming !== undefined && !streaming.counted && !streaming.repeated;
}

/** Ends a turn that waits for the caller's tools, while Claude Code goes on with its own. */
export function parkTurn(state: ClaudeState): readonly [ClaudeState, HarnessEvent] {
  const { turn } = state;
  const total = addCallUsage(turn.total, turn.sinceResult);
  const usage = subtractUsage(total, turn.reported);
  return [
    { ...state, turn: { ...turn, reported: total } },
    { type: 'turn-end', reason: 'tool_use', ...(isUsed(usage) ? { usage } : {}) },
  ];
}

/** The state at the start of the turn that brings the results: the messages, calls and tasks of the parked one go on. */
export function continueTurn(state: ClaudeState): ClaudeState {
  return { ...state, turn: { ...state.turn, interrupted: false } };
}
