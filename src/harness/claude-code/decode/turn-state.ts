import type { JsonValue, Refusal, TokenUsage, TurnEndReason } from '../../../domain/harness-event.js';
import type { BackgroundTasks } from './background-tasks.js';
import { beginTasks, NO_BACKGROUND_TASKS } from './background-tasks.js';
import type { ErrorStop } from './stop.js';
import type { SchemaWrapping } from './structured-output.js';
import { NO_USAGE } from './usage.js';

/** A model message that is being streamed. */
export interface StreamedMessage {
  readonly id: string;
  readonly model: string;
  readonly usage: TokenUsage;
  /** Text and thinking blocks that have begun and not ended, by index, each with its signature so far. */
  readonly open: ReadonlyMap<number, string>;
  readonly closed: ReadonlySet<number>;
  /** Whether the call's final usage was seen. */
  readonly counted: boolean;
  /** Whether all of it was said before, so that nothing of it is said again. */
  readonly repeated: boolean;
}

/** A model message that only `assistant` lines tell of, whose final usage is not known before the `result`. */
export interface WholeMessage {
  readonly id: string;
  readonly model: string;
  readonly usage: TokenUsage;
}

/** What has to be remembered of a turn. Immutable. */
export interface DecoderState {
  /** Whether the process works on it; an interrupt before that is lost (2.1.330). */
  readonly begun: boolean;
  readonly ended: boolean;
  readonly streaming: StreamedMessage | undefined;
  /** Ids of all messages that were streamed. */
  readonly streamed: ReadonlySet<string>;
  readonly unstreamed: WholeMessage | undefined;
  /** How many blocks of each message came whole. */
  readonly wholeBlocks: ReadonlyMap<string, number>;
  /** Ids of `assistant` lines, tool calls and tool results that were seen. */
  readonly seen: ReadonlySet<string>;
  /** Tokens of the model calls that ended since the last `result`. */
  readonly sinceResult: TokenUsage;
  /** Tokens of the turn's `result` lines. */
  readonly total: TokenUsage;
  readonly stopSequence: string | undefined;
  /** Of the newest `result` line. */
  readonly reason: TurnEndReason;
  /** What the model provider said about the newest message that was refused, if it was the newest of all. */
  readonly refusal: Refusal | undefined;
  /** The text of a synthetic line about a failed model call. */
  readonly failure: string | undefined;
  /** The reason that such a line gives when it tells of no failure. */
  readonly errorStop: ErrorStop['reason'] | undefined;
  /** The shape of the answer that the turn has to end with; `undefined` for any text. */
  readonly shape: SchemaWrapping | undefined;
  /** The newest such answer. */
  readonly answer: JsonValue | undefined;
  /** When a notice about each thing that makes progress was given last, in seconds on the thing's own clock. */
  readonly noticed: ReadonlyMap<string, number>;
  readonly interrupted: boolean;
}

/** What has to be remembered of a process. Immutable. */
export interface ClaudeState {
  readonly sessionId: string | undefined;
  readonly tasks: BackgroundTasks;
  readonly turn: DecoderState;
}

const NEW_TURN: DecoderState = {
  begun: false,
  ended: false,
  streaming: undefined,
  streamed: new Set(),
  unstreamed: undefined,
  wholeBlocks: new Map(),
  seen: new Set(),
  sinceResult: NO_USAGE,
  total: NO_USAGE,
  stopSequence: undefined,
  reason: 'end_turn',
  refusal: undefined,
  failure: undefined,
  errorStop: undefined,
  shape: undefined,
  answer: undefined,
  noticed: new Map(),
  interrupted: false,
};

/** The state of a process that has not said anything, before its first turn. */
export function initialDecoderState(): ClaudeState {
  return { sessionId: undefined, tasks: NO_BACKGROUND_TASKS, turn: NEW_TURN };
}

/** The state at the beginning of the process's next turn, which may have to end with an answer of a schema. */
export function startTurn(state: ClaudeState, shape?: SchemaWrapping): ClaudeState {
  return { ...state, tasks: beginTasks(state.tasks), turn: { ...NEW_TURN, shape } };
}
