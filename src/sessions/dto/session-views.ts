import type { JsonObject } from '../../domain/harness-event.js';
import { asObject } from '../../domain/json.js';
import type { Thread, ThreadState } from '../../storage/stores/thread.store.js';
import type { Turn, TurnState } from '../../storage/stores/turn.js';
import type { UsageOfTurn } from '../../storage/stores/usage.store.js';
import type { Message, Usage } from '../../anthropic/stream-event.js';
import { toTurnUsage } from '../../anthropic/usage.js';
import { toExecutionId } from './execution-id.js';

/** A session with centaur's fields. Fields without a counterpart in Chiron are `null`. */
export interface SessionView {
  readonly thread_key: string;
  /** The id of the thread's folders, once an agent has worked in them. */
  readonly sandbox_id: string | null;
  /** May be unknown to this version, for a thread that another version created. */
  readonly harness_type: string;
  /** The harness's own id of the conversation, once there is one. */
  readonly harness_thread_id: string | null;
  readonly persona_id: null;
  /** `parked`: the agent waits for results of the caller's tools. */
  readonly status: 'idle' | 'executing' | 'failed' | 'parked';
  readonly iron_control_principal: null;
  readonly created_at: string;
  readonly updated_at: string;
  /** When the thread is removed unless it is used before; absent where threads are kept. */
  readonly expires_at?: string;
}

/** An execution, which is a turn of the thread, whichever API started it. */
export interface TurnView {
  readonly execution_id: string;
  /** The id of the turn's answer in the Messages API. */
  readonly message_id: string;
  /** Number of the turn within its thread, from 1. */
  readonly sequence: number;
  /** `parked` for an execution whose calls of the caller's tools wait for results. */
  readonly status: TurnState | 'parked';
  readonly stop_reason: string | null;
  readonly error: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  /** What the turn is billed with, as in `GET /api/usage`; absent until it has ended, and for one that never ran. */
  readonly billed?: BilledView;
}

/** Tokens and cost of an execution. */
export interface BilledView {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  /** US dollars, to the millionth; `null` if a model of the turn has no known price. */
  readonly cost_usd: number | null;
}

/** An execution with its complete answer. */
export interface TurnWithMessageView extends TurnView {
  readonly ok: true;
  readonly thread_key: string;
  /** Token usage in Anthropic's form; `null` until the turn has ended. */
  readonly usage: Usage | null;
  /** The answer in Anthropic's form; `null` until the turn has ended, and after a failure. */
  readonly message: Message | null;
}

const STATUS_OF_STATE: Readonly<Record<ThreadState, SessionView['status']>> = {
  idle: 'idle',
  running: 'executing',
  failed: 'failed',
};

/**
 * Converts a thread to a session.
 *
 * @param retentionMs how long a thread is kept without use; 0 for ever
 */
export function toSessionView(thread: Thread, harnessType: string, retentionMs: number): SessionView {
  return {
    thread_key: thread.key,
    sandbox_id: thread.sessionId === undefined ? null : thread.id,
    harness_type: harnessType,
    harness_thread_id: thread.sessionId ?? null,
    persona_id: null,
    status: toSessionStatus(thread),
    iron_control_principal: null,
    created_at: time(thread.createdAt),
    updated_at: time(thread.updatedAt),
    ...(retentionMs === 0 ? {} : { expires_at: time(thread.updatedAt + retentionMs) }),
  };
}

/** The `status` of a thread as a session. */
export function toSessionStatus({
  state,
  parkedTurnId,
}: Pick<Thread, 'state' | 'parkedTurnId'>): SessionView['status'] {
  return parkedTurnId === undefined ? STATUS_OF_STATE[state] : 'parked';
}

/** The caller's metadata of a session. Stored apart from the server's own metadata of the thread. */
export function toSessionMetadata(thread: Thread): JsonObject {
  const { session } = thread.metadata;
  return asObject(session);
}

/** Converts a turn of a thread to an execution, without its answer. */
export function toTurnView(
  { parkedTurnId }: Pick<Thread, 'parkedTurnId'>,
  turn: Turn,
  used: UsageOfTurn | undefined,
): TurnView {
  return {
    execution_id: toExecutionId(turn.id),
    message_id: turn.messageId,
    sequence: turn.sequence,
    status: turn.id === parkedTurnId ? 'parked' : turn.state,
    stop_reason: turn.stopReason ?? null,
    error: turn.failure?.message ?? null,
    created_at: time(turn.createdAt),
    started_at: timeOrNull(turn.startedAt),
    ended_at: timeOrNull(turn.endedAt),
    ...(used === undefined ? {} : { billed: toBilledView(used) }),
  };
}

function toBilledView(used: UsageOfTurn): BilledView {
  return {
    input_tokens: used.inputTokens,
    output_tokens: used.outputTokens,
    cache_read_tokens: used.cacheReadTokens,
    cache_creation_tokens: used.cacheCreationTokens,
    cost_usd: used.costMicros === undefined ? null : used.costMicros / 1e6,
  };
}

/** Converts a turn to an execution with its answer. */
export function toTurnWithMessageView(thread: Thread, turn: Turn, used: UsageOfTurn | undefined): TurnWithMessageView {
  const reported = turn.usage === undefined ? null : toTurnUsage(turn.usage, []);
  return {
    ok: true,
    thread_key: thread.key,
    ...toTurnView(thread, turn, used),
    usage: turn.message?.usage ?? reported,
    message: turn.message ?? null,
  };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function timeOrNull(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : time(milliseconds);
}
