import type { JsonObject } from '../domain/harness-event.js';
import type { Prompt } from '../domain/prompt.js';
import type { Thread } from '../storage/stores/thread.store.js';
import type { Turn } from '../storage/stores/turn.js';
import type { Message } from '../anthropic/stream-event.js';
import type { ContinuationPoint } from './matching/message-threads.js';

/** The part of a request that says whether it is the same as an earlier one. */
export interface RetryIdentity {
  readonly requestKey: string;
  /** Whether the caller sends the complete conversation, so that the same message once more would make it longer. */
  readonly hasHistory: boolean;
}

/**
 * What a caller that names no thread says about a request: that it was not sent before, that it is a retry, or nothing. Identical
 * first attempts are separate turns; a retry attaches to one of them.
 */
export type Attempt = 'first' | 'retry' | 'unknown';

/** A request for a turn, as far as it matters to threads and turns. */
export interface TurnRequest extends RetryIdentity {
  readonly tenant: string;
  /** The thread that the request names, or the fresh one that it gets unless it turns out to be a retry. */
  readonly threadKey: string;
  /** Whether the request named no thread, so that `threadKey` was made up for it. */
  readonly isFreshThread: boolean;
  /** A side request: its thread is removed afterwards, and its agent has no tools. */
  readonly isSideRequest: boolean;
  /** The answer that the request continues, when it has only the new messages. */
  readonly continuesFrom: ContinuationPoint | undefined;
  /** The conversation before the newest message, if the request has it. */
  readonly history: PriorConversation | undefined;
  /** Whom the request is for, by the caller's own id of its user, as a hash. */
  readonly user: string | undefined;
  readonly model: string;
  readonly systemPrompt: string | undefined;
  readonly prompt: Prompt;
  /** JSON Schema that the answer is to follow; `undefined` for free text. */
  readonly outputSchema: JsonObject | undefined;
  readonly caller: string;
  readonly idempotencyKey: string | undefined;
  readonly attempt: Attempt;
  /** The caller's trace, 32 hexadecimal digits, if it sent one. */
  readonly traceId: string | undefined;
  /** The caller's user interrupted the turn that may still be running. */
  readonly interrupts: boolean;
}

/** The conversation before a request's newest message. */
export interface PriorConversation {
  /** The key of the conversation up to the message before. */
  readonly promptKey: string;
  /** The same with its answer. */
  readonly answerKey: string;
  /** The content of an answer as this caller was shown it, and may send it back. */
  readonly asShown: (message: Message) => Message['content'];
  /** The conversation, to seed an agent without a record. */
  readonly toPrompt: () => Prompt;
}

/** A turn that was opened for a request, and its thread. */
export interface OpenedTurn {
  readonly thread: Thread;
  readonly turn: Turn;
  /** The turn existed before the request. */
  readonly attached: boolean;
}
