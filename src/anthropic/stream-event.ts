// Anthropic's wire types, as `@anthropic-ai/sdk` 1.12.0 reads them: names untouched, fields that the SDK types as present are present.
import type { JsonObject, Refusal } from '../domain/harness-event.js';
import type { AnthropicErrorObject } from './anthropic-error.js';

/** How the tokens that were written to the cache are split by how long they are kept; an hour costs more than five minutes. */
export interface CacheCreation {
  readonly ephemeral_5m_input_tokens: number;
  readonly ephemeral_1h_input_tokens: number;
}

/** Tokens of one model call inside the turn. */
export interface UsageIteration {
  readonly type: 'message';
  readonly model: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: CacheCreation;
}

/** Tokens of the complete turn; `iterations` has one entry per model call, and the last one has the size of the context. */
export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  /** `null` only in a `message_start` that nothing is known for. */
  readonly cache_creation: CacheCreation | null;
  readonly output_tokens_details: { readonly thinking_tokens: number } | null;
  readonly server_tool_use: null;
  readonly service_tier: 'standard';
  readonly speed: null;
  readonly inference_geo: null;
  readonly iterations: readonly UsageIteration[] | null;
}

/** Anthropic's reasons to stop; `pause_turn` is never used, as Claude Code does not continue it. */
export type StopReason =
  'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'refusal' | 'model_context_window_exceeded';

export interface TextBlock {
  readonly type: 'text';
  readonly text: string;
  readonly citations: null;
}

export interface ThinkingBlock {
  readonly type: 'thinking';
  readonly thinking: string;
  readonly signature: string;
}

/** A tool that the caller declared and must run. Never one that ran in the sandbox: Claude Code runs every `tool_use` it sees. */
export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
}

/** A tool that ran inside the sandbox. */
export interface McpToolUseBlock {
  readonly type: 'mcp_tool_use';
  readonly id: string;
  readonly name: string;
  readonly server_name: string;
  readonly input: JsonObject;
}

/** What a tool inside the sandbox gave back. */
export interface McpToolResultBlock {
  readonly type: 'mcp_tool_result';
  readonly tool_use_id: string;
  readonly is_error: boolean;
  readonly content: readonly TextBlock[];
}

/** A tool that ran inside the sandbox, in the form of a tool that ran at Anthropic's, for clients that do not know MCP blocks. */
export interface ServerToolUseBlock {
  readonly type: 'server_tool_use';
  readonly id: string;
  readonly name: 'bash_code_execution';
  /** `{ command }` */
  readonly input: JsonObject;
  readonly caller: { readonly type: 'direct' };
}

/** What such a tool gave back. */
export interface ServerToolResultBlock {
  readonly type: 'bash_code_execution_tool_result';
  readonly tool_use_id: string;
  readonly content: {
    readonly type: 'bash_code_execution_result';
    readonly stdout: string;
    readonly stderr: string;
    readonly return_code: number;
    readonly content: readonly never[];
  };
}

/** One block of a message's content. */
export type ContentBlock =
  | TextBlock
  | ThinkingBlock
  | ToolUseBlock
  | McpToolUseBlock
  | McpToolResultBlock
  | ServerToolUseBlock
  | ServerToolResultBlock;

/** Why the model refused; `null` otherwise. */
export type StopDetails = (Refusal & { readonly type: 'refusal' }) | null;

/** The answer of a turn. */
export interface Message {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly model: string;
  readonly content: readonly ContentBlock[];
  readonly stop_reason: StopReason | null;
  readonly stop_sequence: string | null;
  readonly stop_details: StopDetails;
  readonly container: null;
  readonly diagnostics: null;
  readonly context_management: null;
  readonly usage: Usage;
}

export type ContentDelta =
  | { readonly type: 'text_delta'; readonly text: string }
  | { readonly type: 'thinking_delta'; readonly thinking: string }
  | { readonly type: 'signature_delta'; readonly signature: string }
  | { readonly type: 'input_json_delta'; readonly partial_json: string };

/** One event of Anthropic's stream. An `error` takes the request's id when it is written. */
export type StreamEvent =
  | { readonly type: 'message_start'; readonly message: Message }
  | { readonly type: 'content_block_start'; readonly index: number; readonly content_block: ContentBlock }
  | { readonly type: 'content_block_delta'; readonly index: number; readonly delta: ContentDelta }
  | { readonly type: 'content_block_stop'; readonly index: number }
  | {
      readonly type: 'message_delta';
      readonly delta: {
        readonly stop_reason: StopReason;
        readonly stop_sequence: string | null;
        readonly stop_details: StopDetails;
        readonly container: null;
      };
      readonly usage: Usage;
      readonly context_management: null;
    }
  | { readonly type: 'message_stop' }
  | { readonly type: 'ping' }
  | { readonly type: 'error'; readonly error: AnthropicErrorObject };
