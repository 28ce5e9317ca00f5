import type { TextFilter } from '../domain/text-filter.js';

/** Reads a header by its lower-case name; `undefined` if the request does not have it. */
export type HeaderReader = (name: string) => string | undefined;

/** The fields of a Messages API request in which clients differ. */
export interface ClientRequestBody {
  readonly messages: readonly unknown[];
  readonly system?: unknown;
  readonly tools?: readonly unknown[] | null;
  readonly output_config?: Readonly<Record<string, unknown>> | null;
  readonly thinking?: Readonly<Record<string, unknown>> | null;
  readonly thread?: Readonly<Record<string, unknown>> | null;
}

/** The parts of a request in which clients differ. */
export interface ClientRequest {
  readonly header: HeaderReader;
  readonly body: ClientRequestBody;
}

/** The client's own session that a request belongs to; it identifies the request's thread. */
export interface ClientSession {
  /** May be empty, which is a caller's error. */
  readonly id: string;
  /** Separates the client's ids from those of other clients in thread keys. */
  readonly namespace: string;
  /** The field or header that had the id, for errors to the caller. */
  readonly field: string;
}

/** A conversation without the exchanges that only repair a broken stream. */
export interface StrippedConversation {
  /** The same array as the input if nothing was stripped. */
  readonly messages: readonly unknown[];
  /** The text that the caller already has, if it requests the rest of an answer; `undefined` if it requests all of it. */
  readonly partialAnswer: string | undefined;
}

/** The messages around the newest user message that belong to its prompt. */
export interface PromptContext {
  /** The index of the first message of the prompt. */
  readonly firstIndex: number;
  /** Contents of earlier messages that are part of the prompt. Unsupported blocks in them are skipped. */
  readonly before: readonly unknown[];
  /** A note for the agent besides the prompt, if any. */
  readonly note: string | undefined;
}

/**
 * The behaviour of one kind of client: how it sends conversations, what it adds to its user's messages, and what it can show.
 * `detectClient` chooses the profile once per request; no other code checks for a client.
 *
 * To add a client, add a folder with its profile next to this file, and a line in `CLIENTS`.
 */
export interface ClientProfile {
  /** The client's name. Stored with each of its turns, so it must not change. */
  readonly kind: string;
  /** Whether this client sent a request with these headers. */
  readonly isSender: (header: HeaderReader) => boolean;

  /**
   * Whether every request has the conversation from its start. A repeated first message is then a retry; otherwise it is a new message
   * once the first answer was delivered.
   */
  readonly sendsWholeConversation: boolean;
  /** Whether its `x-stainless-retry-count` is reliable. */
  readonly countsRetries: boolean;
  /** Whether it times out after 300 s on an answer that does not stream. */
  readonly hasHardTimeout: boolean;
  /** Whether it treats an answer as failed if the last block is not text. */
  readonly needsFinalText: boolean;
  /** Whether its tools are offered to the agent under the policy `auto`. False if they would act on its user's machine unasked. */
  readonly lendsTools: boolean;
  /** Whether a tool of this name is offered to the agent at all. */
  readonly offersTool: (name: string) => boolean;
  /** The tool that receives its structured answers although the request does not force it; `undefined` for none. */
  readonly answerTool: string | undefined;

  /** Finds the client's session of a request, if it names one. */
  readonly findSession: (header: HeaderReader, userId: unknown) => ClientSession | undefined;
  /** Finds the client's own id of its user, by which usage is recorded. */
  readonly findUser: (userId: unknown) => string | undefined;
  /** Whether a request is not a turn of the conversation that it names: a title, a summary, a sub-agent. */
  readonly isSideRequest: (request: ClientRequest) => boolean;
  /** Answers a side request without an agent; `undefined` if it needs one. */
  readonly sideAnswer: (body: ClientRequestBody) => string | undefined;
  /** The tool block form that it shows best, used for the setting `auto`. */
  readonly toolBlocks: (request: ClientRequest, isSideRequest: boolean) => 'text' | 'mcp';

  /** Removes the client's own additions from a text of its user. */
  readonly filterText: TextFilter;
  /** Removes blocks that the user did not write from the content of a user message. Other content stays unchanged. */
  readonly stripMarkup: (content: unknown) => unknown;
  /** Strips the client's automatic requests for the rest of an answer from the end of a conversation. */
  readonly stripRecovery: (messages: readonly unknown[]) => StrippedConversation;
  /** Whether the user interrupted the answer before the newest message. */
  readonly wasInterrupted: (messages: readonly unknown[]) => boolean;
  /** Finds the index of the message with the newest summary by which the client replaced others; `undefined` if there is none. */
  readonly findSummary: (messages: readonly unknown[]) => number | undefined;
  /** Finds the context of the newest user message, which is at `index`. */
  readonly promptContext: (messages: readonly unknown[], index: number) => PromptContext;

  /** Makes the system prompt for the thread's agent from the texts of the request's `system`; `undefined` for none. */
  readonly systemPrompt: (blocks: readonly string[]) => string | undefined;
  /** Makes the system prompt for a side request. It applies to one answer, so `CHIRON_CALLER_SYSTEM` does not drop it. */
  readonly sideSystemPrompt: (blocks: readonly string[]) => string | undefined;
}
