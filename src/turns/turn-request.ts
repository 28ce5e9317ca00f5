import type { CallerTools } from '../domain/caller-tool.js';
import type { JsonObject } from '../domain/harness-event.js';
import type { McpServer } from '../domain/mcp-server.js';
import type { Prompt } from '../domain/prompt.js';
import type { SeedMessage } from '../domain/seed-message.js';
import type { Thread } from '../storage/stores/thread.store.js';
import type { Turn } from '../storage/stores/turn.js';
import type { Message } from '../anthropic/stream-event.js';
import type { GivenResults } from './matching/caller-results.js';
import type { ContinuationPoint } from './matching/message-threads.js';

/** The fields by which a request is recognised as a retry. */
export interface RetryIdentity {
  readonly requestKey: string;
  /** Whether the caller sends the complete conversation, so that a repeated message would make it longer. */
  readonly hasHistory: boolean;
}

/**
 * Whether a request without a thread is marked as a first attempt or a retry. Identical first attempts are separate turns; a retry
 * attaches to one of them.
 */
export type Attempt = 'first' | 'retry' | 'unknown';

/** A request for a turn, independent of its protocol. */
export interface TurnRequest extends RetryIdentity {
  readonly tenant: string;
  /** The thread that the request names, or a fresh one that it gets unless it is a retry. */
  readonly threadKey: string;
  /** Whether the request named no thread, so that `threadKey` is new. */
  readonly isFreshThread: boolean;
  /** A side request: its thread is removed afterwards, and its agent has no tools. */
  readonly isSideRequest: boolean;
  /** The answer that the request continues, if it has only the new messages. */
  readonly continuesFrom: ContinuationPoint | undefined;
  /** The conversation before the newest message, if the request has it. */
  readonly history: PriorConversation | undefined;
  /** A hash of the caller's own id of its user. */
  readonly user: string | undefined;
  readonly model: string;
  readonly systemPrompt: string | undefined;
  readonly prompt: Prompt;
  /** The results of the caller's tools in the message, if there are any; `prompt` has them as text. */
  readonly toolResults?: GivenResults | undefined;
  /** The caller's tools that the agent can call; absent for none. */
  readonly callerTools?: CallerTools | undefined;
  /** Further MCP servers of the agent; absent for none. Their headers are not stored. */
  readonly mcpServers?: readonly McpServer[];
  /** JSON Schema that the answer must follow; `undefined` for free text. */
  readonly outputSchema: JsonObject | undefined;
  readonly caller: string;
  readonly idempotencyKey: string | undefined;
  readonly attempt: Attempt;
  /** The caller's trace, 32 hexadecimal digits, if it sent one. */
  readonly traceId: string | undefined;
  /** Whether the caller's user interrupted the turn, which may still be running. */
  readonly interrupts: boolean;
}

/** The conversation before a request's newest message. */
export interface PriorConversation {
  /** The key of the conversation up to the previous user message. */
  readonly promptKey: string;
  /** The key of the conversation up to the answer to it. */
  readonly answerKey: string;
  /** Converts an answer to the form in which this caller got it and may send it back. */
  readonly asShown: (message: Message) => Message['content'];
  /** Converts the conversation to seed an agent without a record. */
  readonly toSeed: () => readonly SeedMessage[];
}

/** A turn that was opened for a request, and its thread. */
export interface OpenedTurn {
  readonly thread: Thread;
  readonly turn: Turn;
  /** Whether the turn existed before the request. */
  readonly attached: boolean;
}
