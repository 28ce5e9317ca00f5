import type { FailureKind, JsonObject, TokenUsage, TurnEndReason } from '../../domain/harness-event.js';
import type { Prompt } from '../../domain/prompt.js';
import type { Message } from '../../anthropic/stream-event.js';
import type { TurnTable } from '../database/tables.js';

/** Where a turn is in its life. The last three are ends. */
export type TurnState = 'queued' | 'running' | 'completed' | 'failed' | 'cancelled';

/** Why a turn failed. */
export interface TurnFailure {
  readonly kind: FailureKind;
  readonly message: string;
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
  /** What makes two requests the same. */
  readonly requestKey: string;
  readonly idempotencyKey: string | undefined;
  /** What kind of caller asked. */
  readonly caller: string;
  readonly prompt: Prompt;
  /** What else is needed to run the turn, and to run it again after a restart. */
  readonly request: JsonObject;
  /** 0 until the turn is claimed, then the number of the attempt that owns it; the fence of every write. */
  readonly attempt: number;
  readonly owner: string | undefined;
  readonly leaseExpiresAt: number | undefined;
  readonly stopReason: TurnEndReason | undefined;
  readonly usage: TokenUsage | undefined;
  readonly failure: TurnFailure | undefined;
  readonly message: Message | undefined;
  /** When a caller had read the turn to its end. */
  readonly deliveredAt: number | undefined;
  /** When the turn's events were deleted; a late replay is then made from `message`. */
  readonly eventsPrunedAt: number | undefined;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
}

/** The part of a turn that distinguishes it from others of its thread. */
export interface TurnSummary extends Pick<
  Turn,
  'id' | 'threadId' | 'sequence' | 'state' | 'requestKey' | 'deliveredAt' | 'endedAt' | 'failure'
> {
  /** Whether there is an answer, whole or as far as it came. */
  readonly hasMessage: boolean;
}

/** A turn to be queued. */
export type NewTurn = Pick<
  Turn,
  'id' | 'messageId' | 'threadId' | 'requestKey' | 'idempotencyKey' | 'caller' | 'prompt' | 'request' | 'createdAt'
>;

interface TurnOutcomeBase {
  readonly usage: TokenUsage | undefined;
  /** The whole answer, as far as there is one. */
  readonly message: Message | undefined;
  /** What the harness says about its context now; `undefined` leaves the thread's as it is. */
  readonly contextUsage: JsonObject | undefined;
  /** The harness's own name of the conversation; absent leaves the thread's as it is. */
  readonly sessionId?: string | undefined;
  readonly endedAt: number;
}

/** How a turn ended. A turn that was interrupted is `cancelled`; its message holds what there was. */
export type TurnOutcome =
  | (TurnOutcomeBase & { readonly state: 'completed'; readonly stopReason: TurnEndReason })
  | (TurnOutcomeBase & { readonly state: 'failed'; readonly failure: TurnFailure })
  | (TurnOutcomeBase & { readonly state: 'cancelled'; readonly failure: TurnFailure | undefined });

/** True for the states that a turn never leaves. */
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

/** Finds a stored word among those that this version knows. Throws for one that a newer version wrote. */
export function parseEnum<Word extends string>(words: readonly Word[], stored: string, column: string): Word {
  const word = words.find((candidate) => candidate === stored);
  if (word === undefined) throw new Error(`the store holds an unknown ${column}: ${stored}`);
  return word;
}

/** A stored turn state as one of ours. */
export function parseTurnState(stored: string): TurnState {
  return parseEnum(TURN_STATES, stored, 'turn state');
}

/**
 * Parses JSON that this store wrote itself from a value of the same type; the type is the writer's promise, as only the
 * store's own files write these columns.
 */
export function parseStored<Value>(json: string): Value {
  return JSON.parse(json);
}

/** Like {@link parseStored} for a column that may be empty. */
export function parseStoredOrUndefined<Value>(json: string | null): Value | undefined {
  return json === null ? undefined : parseStored<Value>(json);
}

/** `null` as the store keeps it for `undefined`. */
export function jsonOrNull(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

/** The columns of a stored row that tell a turn from others. */
export type TurnSummaryRow = Pick<
  TurnTable,
  'id' | 'thread_id' | 'sequence' | 'state' | 'request_key' | 'delivered_at' | 'ended_at' | 'failure'
> & { readonly has_message: boolean | 0 | 1 };

/** A stored row as a turn's summary. Throws for a state that this version does not know. */
export function toTurnSummary(row: TurnSummaryRow): TurnSummary {
  return {
    id: row.id,
    threadId: row.thread_id,
    sequence: row.sequence,
    state: parseEnum(TURN_STATES, row.state, 'turn state'),
    requestKey: row.request_key,
    deliveredAt: row.delivered_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    failure: parseStoredOrUndefined<TurnFailure>(row.failure),
    // SQLite has numbers for it.
    hasMessage: Boolean(row.has_message),
  };
}

/** A stored row as a turn. Throws for a state or reason that this version does not know. */
export function toTurn(row: TurnTable): Turn {
  return {
    id: row.id,
    messageId: row.message_id,
    threadId: row.thread_id,
    sequence: row.sequence,
    state: parseTurnState(row.state),
    requestKey: row.request_key,
    idempotencyKey: row.idempotency_key ?? undefined,
    caller: row.caller,
    prompt: parseStored<Prompt>(row.prompt),
    request: parseStored<JsonObject>(row.request),
    attempt: row.attempt,
    owner: row.owner ?? undefined,
    leaseExpiresAt: row.lease_expires_at ?? undefined,
    stopReason: row.stop_reason === null ? undefined : parseEnum(TURN_END_REASONS, row.stop_reason, 'stop reason'),
    usage: parseStoredOrUndefined<TokenUsage>(row.usage),
    failure: parseStoredOrUndefined<TurnFailure>(row.failure),
    message: parseStoredOrUndefined<Message>(row.message),
    deliveredAt: row.delivered_at ?? undefined,
    eventsPrunedAt: row.events_pruned_at ?? undefined,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
  };
}
