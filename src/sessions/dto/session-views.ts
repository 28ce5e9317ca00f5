import type { JsonObject } from '../../domain/harness-event.js';
import { asObject } from '../../domain/json.js';
import type { Thread, ThreadState } from '../../storage/stores/thread.store.js';
import type { Turn, TurnState } from '../../storage/stores/turn.js';
import type { Message, Usage } from '../../anthropic/stream-event.js';
import { turnUsage } from '../../anthropic/usage.js';
import { toExecutionId } from './execution-id.js';

/** The session row, with centaur's fields. What Chiron has no notion of is `null`. */
export interface SessionView {
  readonly thread_key: string;
  /** Names the thread's folders once an agent has worked in them. */
  readonly sandbox_id: string | null;
  /** Of a thread that another version of the server made, it may be unknown to this one. */
  readonly harness_type: string;
  /** The harness's own name of the conversation, once it has one. */
  readonly harness_thread_id: string | null;
  readonly persona_id: null;
  readonly status: 'idle' | 'executing' | 'failed';
  readonly iron_control_principal: null;
  readonly created_at: string;
  readonly updated_at: string;
}

/** An execution, which is a turn of the thread, whichever API it came by. */
export interface TurnView {
  readonly execution_id: string;
  /** The message of the Messages API that answers the same turn. */
  readonly message_id: string;
  /** Number of the turn within its thread, from 1. */
  readonly sequence: number;
  readonly status: TurnState;
  readonly stop_reason: string | null;
  readonly error: string | null;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

/** An execution with its whole answer. */
export interface WholeTurnView extends TurnView {
  readonly ok: true;
  readonly thread_key: string;
  /** What it used so far, in Anthropic's form; `null` until it has ended. */
  readonly usage: Usage | null;
  /** The answer, in Anthropic's form; `null` until it has ended, and after a failure. */
  readonly message: Message | null;
}

const STATUS_OF_STATE: Readonly<Record<ThreadState, SessionView['status']>> = {
  idle: 'idle',
  running: 'executing',
  failed: 'failed',
};

/** A thread as a session row. */
export function sessionView(thread: Thread, harnessType: string): SessionView {
  return {
    thread_key: thread.key,
    sandbox_id: thread.sessionId === undefined ? null : thread.id,
    harness_type: harnessType,
    harness_thread_id: thread.sessionId ?? null,
    persona_id: null,
    status: STATUS_OF_STATE[thread.state],
    iron_control_principal: null,
    created_at: time(thread.createdAt),
    updated_at: time(thread.updatedAt),
  };
}

/** What a session was made with besides its harness. Kept apart from what the server itself notes of a thread. */
export function sessionMetadata(thread: Thread): JsonObject {
  const { session } = thread.metadata;
  return asObject(session);
}

/** A turn in a list. */
export function turnView(turn: Turn): TurnView {
  return {
    execution_id: toExecutionId(turn.id),
    message_id: turn.messageId,
    sequence: turn.sequence,
    status: turn.state,
    stop_reason: turn.stopReason ?? null,
    error: turn.failure?.message ?? null,
    created_at: time(turn.createdAt),
    started_at: timeOrNull(turn.startedAt),
    ended_at: timeOrNull(turn.endedAt),
  };
}

/** A turn with its answer. */
export function wholeTurnView(thread: Thread, turn: Turn): WholeTurnView {
  const counted = turn.usage === undefined ? null : turnUsage(turn.usage, []);
  return {
    ok: true,
    thread_key: thread.key,
    ...turnView(turn),
    usage: turn.message?.usage ?? counted,
    message: turn.message ?? null,
  };
}

function time(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

function timeOrNull(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : time(milliseconds);
}
