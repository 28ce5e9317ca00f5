/** Any JSON value, as it comes out of `JSON.parse`. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;

/** A JSON object, as it comes out of `JSON.parse`. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** Tokens of one model call or of a whole turn. `inputTokens` excludes cached tokens, as Anthropic counts. */
export interface TokenUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadInputTokens: number;
  readonly cacheCreationInputTokens: number;
  /** Part of `cacheCreationInputTokens` that is kept for an hour instead of five minutes, and costs more; absent for none. */
  readonly cacheCreation1hInputTokens?: number;
  /** Part of `outputTokens` that was thinking. */
  readonly thinkingTokens: number;
}

/** Why a model refused to answer, as far as its provider says. */
export interface Refusal {
  readonly category: string | null;
  readonly explanation: string | null;
}

/** Why a turn ended well. All but `interrupted` are Anthropic's stop reasons; an interrupted turn has `end_turn` for its caller. */
export type TurnEndReason =
  | 'end_turn'
  | 'max_tokens'
  | 'stop_sequence'
  | 'tool_use'
  | 'refusal'
  | 'model_context_window_exceeded'
  | 'interrupted';

/** What kind of thing went wrong, whoever found it. The translator's table gives each its Anthropic error type and status. */
export type FailureKind =
  | 'bad_request'
  | 'context_too_long'
  /** The model's provider refused the credentials of the deployment's agent, or it has none; never the caller's own key. */
  | 'authentication'
  /** The account of the deployment's agent cannot pay. */
  | 'billing'
  /** The account of the deployment's agent may not do this. */
  | 'permission'
  | 'not_found'
  | 'rate_limit'
  | 'overloaded'
  | 'timeout'
  /** The harness's process is gone in the middle of the turn; a new one may resume it. */
  | 'process_died'
  /** The harness's program could not be started, and will not be before somebody has repaired the deployment. */
  | 'not_started'
  | 'internal';

/** One piece of what an inner tool gave back. */
export type ToolResultContent =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mediaType: string; readonly data: string };

/**
 * One thing that a harness says, in our own words, whatever its wire format.
 *
 * A decoder turns one line of a harness into zero or more of these; the translator turns these into Anthropic's stream
 * events and never names a harness. They are stored in the event log as they are, so a change here must stay readable
 * for events already written.
 */
export type HarnessEvent =
  // Text and thinking. `id` names the block and is unique within the turn; a block's deltas need no start, but an end:
  // a block that was not ended when its attempt died is left out for later readers.
  | { readonly type: 'text-delta'; readonly id: string; readonly text: string }
  | { readonly type: 'thinking-delta'; readonly id: string; readonly text: string }
  /** The block is whole. `signature` is the model provider's, of a thinking block; absent means that there is none. */
  | { readonly type: 'block-end'; readonly id: string; readonly signature?: string }

  // Tools. Inner tools have run, or are running, inside the sandbox; caller tools must be run by the caller.
  | {
      readonly type: 'tool-call';
      readonly id: string;
      readonly name: string;
      /** The MCP server that owns the tool, or `agent` for the harness's own tools. */
      readonly server: string;
      readonly input: JsonObject;
    }
  | {
      readonly type: 'tool-result';
      readonly id: string;
      readonly content: readonly ToolResultContent[];
      readonly isError: boolean;
    }
  | { readonly type: 'caller-tool-call'; readonly id: string; readonly name: string; readonly input: JsonObject }

  // Usage, one pair per model call of the agent itself. The start holds the best known input count.
  | { readonly type: 'model-call-start'; readonly model: string; readonly usage: TokenUsage }
  | { readonly type: 'model-call-end'; readonly model: string; readonly usage: TokenUsage }

  // The conversation and the turn's progress.
  /** The harness's own name of the conversation, by which it is resumed after its process is gone. */
  | { readonly type: 'session-started'; readonly sessionId: string }
  /** A sign of life that callers need not see: the model call is retried, the context compacted, a tool makes progress. */
  | { readonly type: 'notice'; readonly kind: 'retrying' | 'compacting' | 'progress'; readonly message: string }
  /** The harness died and the turn goes on in a new process. Blocks that are open now will not be finished. */
  | { readonly type: 'attempt-start'; readonly attempt: number }

  // The end: exactly one of these, and nothing after it. `usage` is the harness's own total of the turn, where it has one;
  // without it the total is the sum of the model calls.
  | {
      readonly type: 'turn-end';
      readonly reason: TurnEndReason;
      readonly stopSequence?: string;
      /** What the model provider says about a refusal. */
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
