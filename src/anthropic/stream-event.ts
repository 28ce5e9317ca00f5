// Anthropic's wire types, as `@anthropic-ai/sdk` 1.12.0 reads them: the same names, and every field that the SDK types as required.
import type { JsonObject, Refusal } from '../domain/harness-event.js';
import type { AnthropicErrorObject } from './anthropic-error.js';

/** Tokens written to the cache, by time to live; an hour costs more than five minutes. */
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

/** Tokens of the complete turn. `iterations` has one entry per model call; the last entry is the size of the context. */
export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  /** `null` only in `message_start`; see `initialWireUsage`. */
  readonly cache_creation: CacheCreation | null;
  readonly output_tokens_details: { readonly thinking_tokens: number } | null;
  readonly server_tool_use: null;
  readonly service_tier: 'standard';
  readonly speed: null;
  readonly inference_geo: null;
  readonly iterations: readonly UsageIteration[] | null;
}

/** Anthropic's stop reasons, without `pause_turn`: Claude Code does not continue such a message. */
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

/** A call of a tool that the caller declared and must run. Never used for sandbox tools: Claude Code runs every `tool_use` it gets. */
export interface ToolUseBlock {
  readonly type: 'tool_use';
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
}

/** A call of a tool inside the sandbox. */
export interface McpToolUseBlock {
  readonly type: 'mcp_tool_use';
  readonly id: string;
  readonly name: string;
  readonly server_name: string;
  readonly input: JsonObject;
}

/** The result of a tool inside the sandbox. */
export interface McpToolResultBlock {
  readonly type: 'mcp_tool_result';
  readonly tool_use_id: string;
  readonly is_error: boolean;
  readonly content: readonly TextBlock[];
}

/** A call of a tool inside the sandbox in the form of Anthropic's server tools, for clients that do not support MCP blocks. */
export interface ServerToolUseBlock {
  readonly type: 'server_tool_use';
  readonly id: string;
  readonly name: 'bash_code_execution';
  /** `{ command }` */
  readonly input: JsonObject;
  readonly caller: { readonly type: 'direct' };
}

/** The result of a {@link ServerToolUseBlock}. */
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

/** One event of Anthropic's stream. The writer adds the request id to an `error`. */
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
