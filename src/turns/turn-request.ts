import type { BusyPolicy } from '../config/app-config.js';
import type { CallerTools } from '../domain/caller-tool.js';
import type { JsonObject } from '../domain/harness-event.js';
import type { KnownTurns } from '../domain/known-turns.js';
import type { McpServer } from '../domain/mcp-server.js';
import type { AppliedPolicies } from '../domain/policy/policy.js';
import type { Prompt } from '../domain/prompt.js';
import type { SeedMessage } from '../domain/seed/seed-message.js';
import type { Thread } from '../storage/stores/thread.store.js';
import type { BilledTo, Turn } from '../storage/stores/turn.js';
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
  /** What the request begins if others have gone on from the answer that it names; absent: it is refused then. */
  readonly branch?: ThreadBranch | undefined;
  /** The conversation before the newest message, if the request has it. */
  readonly history: PriorConversation | undefined;
  /** How to compare the conversation with the turns of its thread; `undefined` if the door or the request has none to compare. */
  readonly chain: PromptChain | undefined;
  /** A hash of the caller's own id of its user. */
  readonly user: string | undefined;
  /** The turns of the thread that others made and the caller has in its history; absent for none. */
  readonly knownTurns?: KnownTurns | undefined;
  /** Whether the caller's user reads the answer, and may be told in it what others did on the thread meanwhile. */
  readonly isReadByPerson?: boolean;
  readonly billedTo: BilledTo;
  /** The policies that bind the caller. */
  readonly policies: AppliedPolicies;
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
  /** The header of this name, if the request has one: the trace that the turn continues. A malformed one is ignored. */
  readonly traceparent: string | undefined;
  /** Whether the caller's user interrupted the turn, which may still be running. */
  readonly interrupts: boolean;
  /** What happens to the message on a busy thread, if that is not for the deployment to decide. */
  readonly onBusy?: BusyPolicy;
  /** What the request's door needs to know of it again. Stored with the turn as it is. */
  readonly doorData?: JsonObject;
}

/** The conversation before a request's newest message. */
export interface PriorConversation {
  /** The key of the conversation up to the previous user message. */
  readonly promptKey: string;
  /** The key of the conversation up to the answer to it. */
  readonly answerKey: string;
  /** Converts an answer to the form in which this caller got it and may send it back. */
  readonly asShown: (message: Message) => Message['content'];
  /** Makes the seed for an agent without a record of the conversation, from the message with the index `start` on; 0 by default. */
  readonly toSeeding: (start?: number) => Seeding;
}

/** A new thread with the conversation of another up to some answer. */
export interface ThreadBranch {
  readonly threadKey: string;
  readonly history: PriorConversation;
}

/** The user messages of a request, by which it is compared with the turns of its thread. */
export interface PromptChain {
  /** The key of the newest one; `undefined` if it has nothing to compare. */
  readonly promptKey: string | undefined;
  /** Whether a request without earlier messages says that there are none. */
  readonly isComplete: boolean;
  /** Finds the index of the message with the newest summary by which the client replaced others; `undefined` if there is none. */
  readonly findSummary: () => number | undefined;
  /** Computes the key that a message of this caller has if it consists of a prompt; `undefined` if that has nothing to compare. */
  readonly computeKey: (prompt: Prompt) => Promise<string | undefined>;
  /** Computes the keys of the messages before the newest one. Takes as long as hashing the conversation. */
  readonly readPrompts: () => Promise<readonly PromptMessage[]>;
}

/** One user message of a request, or several without an answer between them. */
export interface PromptMessage {
  readonly key: string;
  /** Its index among the messages of the request. */
  readonly start: number;
}

/** An earlier conversation for an agent that has no record of it, and the prompt that follows it. */
export interface Seeding {
  /** Empty if the agent needs none. */
  readonly seed: readonly SeedMessage[];
  /** Without the results of calls that are in the seed. */
  readonly prompt: Prompt;
}

/**
 * How a request was matched with its thread: the first turn of a thread, a retry of a known turn, the next turn of an agent that has
 * the conversation, of one that got the messages that it lacked, of a thread that was forked because the caller took turns back,
 * or of a thread whose caller has compacted its own copy of the conversation.
 */
export type HistoryOutcome = 'new' | 'attached' | 'continued' | 'seeded' | 'forked' | 'compacted';

/** A turn that was opened for a request, and its thread. */
export interface OpenedTurn {
  readonly thread: Thread;
  readonly turn: Turn;
  /** The message of this request that the turn heard while it ran; `undefined` if the turn is the request's own. */
  readonly messageId?: string;
  readonly history: HistoryOutcome;
}
