// The stored rows, the same on SQLite and PostgreSQL: times are milliseconds since the epoch, JSON is text.

export interface ThreadTable {
  readonly id: string;
  readonly tenant: string;
  readonly key: string;
  readonly harness: string;
  readonly model: string;
  readonly harness_model: string | null;
  readonly system_prompt: string | null;
  readonly session_id: string | null;
  readonly state: string;
  readonly metadata: string;
  readonly context_usage: string | null;
  /** The turn that ended with calls of caller's tools which have no answer yet. */
  readonly parked_turn: string | null;
  readonly turn_count: number;
  readonly created_at: number;
  readonly updated_at: number;
}

export interface TurnTable {
  readonly id: string;
  readonly message_id: string;
  readonly thread_id: string;
  readonly sequence: number;
  readonly state: string;
  readonly request_key: string;
  /** The key of the request's newest user message alone; null for a turn of an older version, or of another door. */
  readonly prompt_key: string | null;
  /** The turn whose calls of caller's tools this turn answers. */
  readonly answers_turn: string | null;
  readonly idempotency_key: string | null;
  readonly caller: string;
  readonly prompt: string;
  readonly request: string;
  readonly attempt: number;
  readonly owner: string | null;
  readonly lease_expires_at: number | null;
  readonly stop_reason: string | null;
  readonly usage: string | null;
  readonly failure: string | null;
  readonly message: string | null;
  readonly delivered_at: number | null;
  readonly events_pruned_at: number | null;
  readonly created_at: number;
  readonly started_at: number | null;
  readonly ended_at: number | null;
}

/** The events of one turn in one group commit. */
export interface TurnEventTable {
  readonly turn_id: string;
  /** Number of the row within the turn, from 1. */
  readonly sequence: number;
  readonly attempt: number;
  /** Index of the row's first event within the turn, from 0. */
  readonly first_index: number;
  /** JSON array of harness events; never empty. */
  readonly events: string;
  readonly created_at: number;
}

export interface SessionMessageTable {
  readonly id: string;
  readonly thread_id: string;
  readonly client_message_id: string | null;
  readonly role: string;
  readonly parts: string;
  readonly metadata: string;
  readonly created_at: number;
  /** The turn that heard the message, or that it was handed to. */
  readonly turn_id: string | null;
  /** When it was certain that the turn heard it; null until then. */
  readonly heard_at: number | null;
}

/** A set of caller's tools that turns of the thread refer to by its hash. */
export interface ToolSetTable {
  readonly thread_id: string;
  /** A hash of the tools. */
  readonly id: string;
  /** JSON of `CallerTools`. */
  readonly tools: string;
}

/** The calls of caller's tools with which turns ended. */
export interface CallerToolCallTable {
  /** The turn that ended with the call. */
  readonly turn_id: string;
  readonly id: string;
  readonly thread_id: string;
  /** Number among the calls of its turn, from 0. */
  readonly position: number;
  readonly name: string;
  readonly input: string;
}

/** All tables by name. */
export interface Tables {
  readonly threads: ThreadTable;
  readonly turns: TurnTable;
  readonly turn_events: TurnEventTable;
  readonly session_messages: SessionMessageTable;
  readonly tool_sets: ToolSetTable;
  readonly caller_tool_calls: CallerToolCallTable;
}
