/** Whether an item is whole. */
export type ItemStatus = 'in_progress' | 'completed' | 'incomplete';

/** The text of a message. All fields are required: the AI SDK rejects a part without `annotations`. [@ai-sdk/openai 3.0.141] */
export interface OutputText {
  readonly type: 'output_text';
  readonly text: string;
  readonly annotations: readonly never[];
  readonly logprobs: readonly never[];
}

/** What a message is for: remarks between steps, or the answer. Codex's app-server tells them apart. [Codex 0.169.0] */
export type MessagePhase = 'commentary' | 'final_answer';

/** A text of the agent. */
export interface MessageItem {
  readonly id: string;
  readonly type: 'message';
  readonly status: ItemStatus;
  readonly role: 'assistant';
  readonly content: readonly OutputText[];
  readonly phase?: MessagePhase;
}

/** Thinking of the agent's model. */
export interface ReasoningItem {
  readonly id: string;
  readonly type: 'reasoning';
  readonly summary: readonly { readonly type: 'summary_text'; readonly text: string }[];
  /** An opaque text, if the request asks for it. Never a provider's own: the next request may be for another provider. */
  readonly encrypted_content?: string;
}

/**
 * A tool that ran inside the sandbox. Of all kinds of calls this is the one that no client runs: Codex ignores it, the SDKs show it.
 * [Codex 0.169.0, @openai/agents 0.20.0, @ai-sdk/openai 3.0.141]
 */
export interface McpCallItem {
  readonly id: string;
  readonly type: 'mcp_call';
  readonly status: ItemStatus | 'failed';
  readonly server_label: string;
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
  readonly output: string | null;
  readonly error: string | null;
  readonly approval_request_id: null;
}

/** A call of a tool that the caller declared and runs. */
export interface FunctionCallItem {
  readonly id: string;
  readonly type: 'function_call';
  readonly status: ItemStatus;
  readonly call_id: string;
  readonly name: string;
  /** JSON. */
  readonly arguments: string;
}

/** One item of a response's output. */
export type OutputItem = MessageItem | ReasoningItem | McpCallItem | FunctionCallItem;

/** Makes the text part of a message. */
export function outputText(text: string): OutputText {
  return { type: 'output_text', text, annotations: [], logprobs: [] };
}
