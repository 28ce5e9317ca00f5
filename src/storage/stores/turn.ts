// A little over 250 lines: the turn in all of its shapes, and how each is read from its row.
import type { FailureKind, JsonObject, TokenUsage, TurnEndReason } from '../../domain/harness-event.js';
import type { CallerToolCall } from '../../domain/caller-tool.js';
import type { Prompt } from '../../domain/prompt.js';
import type { Message } from '../../anthropic/stream-event.js';
import type { TurnTable } from '../database/tables.js';
import type { ToolSet } from './caller-tool.store.js';

/** The state of a turn. The last three are final. */
export type TurnState = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** Why a turn failed. */
export interface TurnFailure {
  readonly kind: FailureKind;
  readonly message: string;
}

/** Whom a turn is billed to, besides the tenant of its thread. */
export interface BilledTo {
  /** The id of the key that sent the request, if that is in the store. */
  readonly keyId: string | undefined;
  /** The caller's own id of its user, as `metadata.user_id`. */
  readonly userId: string | undefined;
}

/** One user message and everything the harness did for it. Times are milliseconds since the epoch. */
export interface Turn {
  readonly id: string;
  /** The id of the message that answers the turn, `msg_…`. */
  readonly messageId: string;
  readonly threadId: string;
  /** Number of the turn within its thread, from 1. */
  readonly sequence: number;
  readonly state: TurnState;
  /** Equal for two requests that ask for the same turn. */
  readonly requestKey: string;
  /** The key of the newest user message alone, by which an edited history is recognised; `undefined` if the door has none. */
  readonly promptKey: string | undefined;
  /** The turn whose calls of caller's tools this one answers: with results, or by going on without them. */
  readonly answersTurnId: string | undefined;
  readonly idempotencyKey: string | undefined;
  /** The kind of client that sent the request. */
  readonly caller: string;
  /**
   * The user or the session of a client that the request came from, as `TurnRequest.user`; empty if it named none, `undefined` for turns of
   * versions before this one.
   */
  readonly maker: string | undefined;
  readonly billedTo: BilledTo;
  readonly prompt: Prompt;
  /** Whatever else it takes to run the turn, and to resume it after a restart. */
  readonly request: JsonObject;
  /** 0 until the turn is claimed, then the number of the attempt that owns it. A fencing token: writes of other attempts are rejected. */
  readonly attempt: number;
  readonly owner: string | undefined;
  /** When a caller interrupted it while no server could be told: its next attempt ends at once. */
  readonly interruptedAt: number | undefined;
  readonly stopReason: TurnEndReason | undefined;
  readonly usage: TokenUsage | undefined;
  readonly failure: TurnFailure | undefined;
  readonly message: Message | undefined;
  /** When a caller first read the turn to its end. */
  readonly deliveredAt: number | undefined;
  /** When the turn's events were deleted; later replays are built from `message`. */
  readonly eventsPrunedAt: number | undefined;
  /** When a caller deleted the response of the turn; the turn itself stays. */
  readonly responseDeletedAt: number | undefined;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** A turn without its prompt and answer. */
export interface TurnSummary extends Pick<
  Turn,
  | 'id'
  | 'threadId'
  | 'sequence'
  | 'state'
  | 'requestKey'
  | 'promptKey'
  | 'maker'
  | 'deliveredAt'
  | 'endedAt'
  | 'failure'
> {
  /** Whether there is a complete or partial answer. */
  readonly hasMessage: boolean;
}

/** A turn to queue. */
export type NewTurn = Pick<
  Turn,
  'id' | 'messageId' | 'threadId' | 'requestKey' | 'idempotencyKey' | 'caller' | 'prompt' | 'request' | 'createdAt'
> &
  Partial<Pick<Turn, 'promptKey' | 'billedTo' | 'maker'>> & {
    /** The ids of stored messages whose words the prompt has already: the turn hears them, and they are not added to it. */
    readonly repeats?: readonly string[];
    /** The caller's tools of the turn, which `request` refers to by their id; absent for none. */
    readonly toolSet?: ToolSet;
    /** The turn's number is higher than this, besides that of the thread's last turn. */
    readonly afterSequence?: number | undefined;
  };

/** What a turn is billed with, besides its tokens. */
export interface TurnBill {
  readonly harness: string;
  /** The model of the answer. */
  readonly model: string;
  /** Millionths of a US dollar; `undefined` if a model of the turn has no known price. */
  readonly costMicros: number | undefined;
}

interface TurnOutcomeBase {
  readonly usage: TokenUsage | undefined;
  readonly bill: TurnBill;
  /** The answer; after a failure or cancellation, what there is of it. */
  readonly message: Message | undefined;
  /** The harness's report about its context window; `undefined` keeps the thread's previous one. */
  readonly contextUsage: JsonObject | undefined;
  /** The calls of caller's tools with which the turn ended; they park the thread. Empty for none. */
  readonly callerCalls: readonly CallerToolCall[];
  /** The harness's own id of the conversation; absent keeps the thread's previous one. */
  readonly sessionId?: string | undefined;
  readonly endedAt: number;
}

/** How a turn ended. An interrupted turn is `cancelled`; its message holds the partial answer. */
export type TurnOutcome =
  | (TurnOutcomeBase & { readonly state: 'completed'; readonly stopReason: TurnEndReason })
  | (TurnOutcomeBase & { readonly state: 'failed'; readonly failure: TurnFailure })
  | (TurnOutcomeBase & { readonly state: 'cancelled'; readonly failure: TurnFailure | undefined });

/** True for final states. */
export function hasEnded(state: TurnState): boolean {
  switch (state) {
    case 'queued':
    case 'running':
      return false;
    case 'completed':
    case 'failed':
    case 'cancelled':
      return true;
    default: {
      const unknownState: never = state;
      throw new Error(`unknown turn state ${String(unknownState)}`);
    }
  }
}

const TURN_STATES: readonly TurnState[] = ['queued', 'running', 'completed', 'failed', 'cancelled'];
const TURN_END_REASONS: readonly TurnEndReason[] = [
  'end_turn',
  'max_tokens',
  'stop_sequence',
  'tool_use',
  'refusal',
  'model_context_window_exceeded',
  'interrupted',
];

/** Narrows a stored value to those that this version knows. Throws for a value that a newer version wrote. */
export function parseEnum<Value extends string>(values: readonly Value[], stored: string, column: string): Value {
  const value = values.find((candidate) => candidate === stored);
  if (value === undefined) throw new Error(`unknown ${column} in the store: ${stored}`);
  return value;
}

/** Narrows a stored turn state. Throws for one that this version does not know. */
export function parseTurnState(stored: string): TurnState {
  return parseEnum(TURN_STATES, stored, 'turn state');
}

/**
 * Parses JSON that the store wrote from a value of the same type. The type is not checked, because only the store's own
 * files write these columns.
 */
export function parseStored<Value>(json: string): Value {
  return JSON.parse(json);
}

/** Like {@link parseStored} for a nullable column. */
export function parseStoredOrUndefined<Value>(json: string | null): Value | undefined {
  return json === null ? undefined : parseStored<Value>(json);
}

/** Serializes a value for a nullable column. */
export function toJsonOrNull(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** The columns of a turn's summary. */
export type TurnSummaryRow = Pick<
  TurnTable,
  | 'id'
  | 'thread_id'
  | 'sequence'
  | 'state'
  | 'request_key'
  | 'prompt_key'
  | 'maker'
  | 'delivered_at'
  | 'ended_at'
  | 'failure'
> & { readonly has_message: boolean | 0 | 1 };

/** Converts a stored row. Throws for a state that this version does not know. */
export function toTurnSummary(row: TurnSummaryRow): TurnSummary {
  return {
    id: row.id,
    threadId: row.thread_id,
    sequence: row.sequence,
    state: parseEnum(TURN_STATES, row.state, 'turn state'),
    requestKey: row.request_key,
    promptKey: row.prompt_key ?? undefined,
    maker: row.maker ?? undefined,
    deliveredAt: row.delivered_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    failure: parseStoredOrUndefined<TurnFailure>(row.failure),
    // SQLite returns 0 or 1.
    hasMessage: Boolean(row.has_message),
  };
}

/** Converts a stored row. Throws for a state or reason that this version does not know. */
export function toTurn(row: TurnTable): Turn {
  return {
    id: row.id,
    messageId: row.message_id,
    threadId: row.thread_id,
    sequence: row.sequence,
    state: parseTurnState(row.state),
    requestKey: row.request_key,
    promptKey: row.prompt_key ?? undefined,
    answersTurnId: row.answers_turn ?? undefined,
    idempotencyKey: row.idempotency_key ?? undefined,
    caller: row.caller,
    maker: row.maker ?? undefined,
    billedTo: { keyId: row.key_id ?? undefined, userId: row.user_id ?? undefined },
    prompt: parseStored<Prompt>(row.prompt),
    request: parseStored<JsonObject>(row.request),
    attempt: row.attempt,
    owner: row.owner ?? undefined,
    interruptedAt: row.interrupted_at ?? undefined,
    stopReason: row.stop_reason === null ? undefined : parseEnum(TURN_END_REASONS, row.stop_reason, 'stop reason'),
    usage: parseStoredOrUndefined<TokenUsage>(row.usage),
    failure: parseStoredOrUndefined<TurnFailure>(row.failure),
    message: parseStoredOrUndefined<Message>(row.message),
    deliveredAt: row.delivered_at ?? undefined,
    eventsPrunedAt: row.events_pruned_at ?? undefined,
    responseDeletedAt: row.response_deleted_at ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
  };
}
