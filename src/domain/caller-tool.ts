import type { JsonObject } from './harness-event.js';
import type { Prompt } from './prompt.js';

/** The policies on the caller's tools: `auto` depends on the client. */
export const CALLER_TOOLS_POLICIES = ['auto', 'on', 'off'] as const;

/** One of the {@link CALLER_TOOLS_POLICIES}. */
export type CallerToolsPolicy = (typeof CALLER_TOOLS_POLICIES)[number];

/** A tool that runs at the caller, as a request declares it. */
export interface CallerTool {
  /** The caller's own name: any text. A harness carries it to its agent under a name that its protocol allows. */
  readonly name: string;
  /** The caller's description, with its examples of input; empty for none. */
  readonly description: string;
  /** JSON Schema of the input. */
  readonly inputSchema: JsonObject;
  /** Whether an input that violates the schema must not reach the caller. */
  readonly isStrict: boolean;
  /** Whether the agent may load the tool only when it searches for it. */
  readonly isDeferred: boolean;
}

/** The caller's tools of one turn. */
export interface CallerTools {
  /** Not empty. The names are unique. */
  readonly tools: readonly CallerTool[];
  /** False if a message may have at most one call: the agent's further calls follow one by one. */
  readonly allowsParallelCalls: boolean;
}

/** A call of a caller's tool that has no result yet. */
export interface CallerToolCall {
  /** The agent's id of the call. */
  readonly id: string;
  readonly name: string;
  readonly input: JsonObject;
}

/** What a caller's tool returned. */
export interface CallerToolResult {
  readonly callId: string;
  /** Texts, images and documents; may be empty. */
  readonly content: Prompt;
  readonly isError: boolean;
}
