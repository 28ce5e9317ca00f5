/** Any JSON value, as it comes out of `JSON.parse`. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object, as it comes out of `JSON.parse`. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Tokens of one model call or of a complete turn. `inputTokens` excludes cached tokens, as Anthropic counts. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadInputTokens: number;
  readonly cacheCreationInputTokens: number;
  /** Part of `cacheCreationInputTokens` that is cached for an hour instead of five minutes and costs more; absent for zero. */
  readonly cacheCreation1hInputTokens?: number;
  /** Part of `outputTokens` that was thinking. */
  readonly thinkingTokens: number;
}

/** Why a model refused to answer, as far as its provider reports it. */
export interface Refusal {
  readonly category: string | null;
  readonly explanation: string | null;
}

/** Why a turn ended normally. All but `interrupted` are Anthropic's stop reasons; callers get `end_turn` for `interrupted`. */
export type TurnEndReason =
  | 'end_turn'
  | 'max_tokens'
  | 'stop_sequence'
  | 'tool_use'
  | 'refusal'
  | 'model_context_window_exceeded'
  | 'interrupted';

/** Kinds of failures of a turn. `toAnthropicError` gives each its Anthropic error type and status. */
export type FailureKind =
  | 'bad_request'
  | 'context_too_long'
  /** The model provider refused the credentials of the deployment's agent, or the agent has none. Never about the caller's key. */
  | 'authentication'
  /** The account of the deployment's agent cannot pay. */
  | 'billing'
  /** The account of the deployment's agent may not do this. */
  | 'permission'
  | 'not_found'
  | 'rate_limit'
  | 'overloaded'
  | 'timeout'
  /** The harness's process died during the turn; a new process may resume it. */
  | 'process_died'
  /** The harness's program failed to start and will fail until the deployment is repaired. */
  | 'not_started'
  /** The agent was stopped at a limit of the deployment, and would reach it again. */
  | 'limit_exceeded'
  | 'internal';

/** One part of an inner tool's result. */
export type ToolResultContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mediaType: string; readonly data: string };

/**
 * One event of a harness, independent of the harness's wire format.
 *
 * A decoder turns one line of a harness into zero or more events; the translator turns them into Anthropic's stream events and
 * knows no harness. The event log stores them unchanged, so a change here must still read the events already stored.
 */
export type HarnessEvent =
  // Text and thinking. `id` identifies the block and is unique within the turn. A block needs no start, but an end: later readers
  // do not get a block that had not ended when its attempt died.
  | { readonly type: 'text-delta'; readonly id: string; readonly text: string }
  | { readonly type: 'thinking-delta'; readonly id: string; readonly text: string }
  /** The block is complete. `signature` is the model provider's signature of a thinking block, if there is one. */
  | { readonly type: 'block-end'; readonly id: string; readonly signature?: string }

  // Tools. Inner tools run inside the sandbox; the caller must run caller tools. `at`: when the server got the event, in milliseconds
  // since the epoch by the clock of the store. Absent in events of older servers, and in those that are rebuilt from a message.
  | {
      readonly type: 'tool-call';
      readonly id: string;
      readonly name: string;
      /** The MCP server that owns the tool, or `agent` for the harness's own tools. */
      readonly server: string;
      readonly input: JsonObject;
      readonly at?: number;
    }
  | {
      readonly type: 'tool-result';
      readonly id: string;
      readonly content: readonly ToolResultContent[];
      readonly isError: boolean;
      readonly at?: number;
    }
  | {
      readonly type: 'caller-tool-call';
      readonly id: string;
      readonly name: string;
      readonly input: JsonObject;
      readonly at?: number;
    }

  /** The agent heard a further message of the user, who sent it while the turn was running. */
  | { readonly type: 'user-message'; readonly id: string }

  // Usage, one pair per model call of the agent itself. The start has the best input count known by then.
  | { readonly type: 'model-call-start'; readonly model: string; readonly usage: TokenUsage }
  | { readonly type: 'model-call-end'; readonly model: string; readonly usage: TokenUsage }

  // The conversation and the turn's progress.
  /** The harness's own id of the conversation, which resumes it in a new process. */
  | { readonly type: 'session-started'; readonly sessionId: string }
  /** Activity that callers need not see: a model call is retried, the context is compacted, a tool makes progress. */
  | { readonly type: 'notice'; readonly kind: 'retrying' | 'compacting' | 'progress'; readonly message: string }
  /** The harness died and the turn resumes in a new process. Blocks that are open now never end. */
  | { readonly type: 'attempt-start'; readonly attempt: number }
  /** The agent's record lacks this complete block of a dead attempt, so its model says it again. Later readers get only the new one. */
  | { readonly type: 'block-dropped'; readonly id: string }

  // The end: exactly one of these, and nothing after it. `usage` is the harness's own total of the turn, if it reports one;
  // otherwise the total is the sum of the model calls.
  | {
      readonly type: 'turn-end';
      readonly reason: TurnEndReason;
      readonly stopSequence?: string;
      /** The model provider's reason for a refusal. */
      readonly refusal?: Refusal;
      readonly usage?: TokenUsage;
    }
  | { readonly type: 'turn-failed'; readonly kind: FailureKind; readonly message: string };

/** True for the two events that end a turn. */
export function isTurnEnd(
  event: HarnessEvent,
): event is Extract<HarnessEvent, { readonly type: 'turn-end' | 'turn-failed' }> {
  return event.type === 'turn-end' || event.type === 'turn-failed';
}
