import type { TextFilter } from '../domain/text-filter.js';

/** Reads a header by its name in lower case; `undefined` when the request has none. */
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

/** A request as far as a client has habits. */
export interface ClientRequest {
  readonly header: HeaderReader;
  readonly body: ClientRequestBody;
}

/** A session of the client's own that a request belongs to; it names the request's thread. */
export interface ClientSession {
  /** May be empty, which is an error of the caller. */
  readonly id: string;
  /** What keeps the client's ids apart from those of other clients in a thread's key. */
  readonly namespace: string;
  /** Where the id stood, for messages to the caller. */
  readonly field: string;
}

/** A conversation without the exchanges that only repair a broken stream. */
export interface StrippedConversation {
  /** The very list that was given, when nothing was stripped. */
  readonly messages: readonly unknown[];
  /** The text of the answer that the caller already has, when it asks for the rest; `undefined` when it asks for all of it. */
  readonly partialAnswer: string | undefined;
}

/** What stands around the newest user message. */
export interface PromptContext {
  /** The place of the first message that the prompt is made of. */
  readonly firstIndex: number;
  /** Contents of earlier messages that are part of the prompt. What no agent can be given of them is left out. */
  readonly before: readonly unknown[];
  /** What the agent must know besides the prompt; `undefined` for nothing. */
  readonly note: string | undefined;
}

/**
 * The habits of one kind of client: how it sends conversations, what it writes into them that its user did not say, and what it
 * can show. `detectClient` chooses the profile once per request; nothing else asks which client it is.
 *
 * A new client is a folder beside this file with a profile, and a line in `CLIENTS`.
 */
export interface ClientProfile {
  /** The client's name. Stored with each of its turns, so it must not change. */
  readonly kind: string;
  /** Whether a request with these headers is of this client. */
  readonly isSender: (header: HeaderReader) => boolean;

  /**
   * Whether every request holds the conversation from its start. The same first message twice is then a retry; otherwise it is said
   * twice once the first answer was delivered.
   */
  readonly sendsWholeConversation: boolean;
  /** Whether its `x-stainless-retry-count` says if a request was sent before. */
  readonly countsRetries: boolean;
  /** Whether it gives up after 300 s on an answer that does not stream. */
  readonly hasHardTimeout: boolean;
  /** Whether it takes an answer for failed whose last block is no text. */
  readonly needsFinalText: boolean;
  /** The tool by which it wants an answer that follows a schema, without forcing it; `undefined` for none. */
  readonly answerTool: string | undefined;

  /** The client's session that a request belongs to, if it names one. */
  readonly findSession: (header: HeaderReader, userId: unknown) => ClientSession | undefined;
  /** Whether a request is beside the conversation whose thread it names: a title, a summary, a sub-agent. */
  readonly isSideRequest: (request: ClientRequest) => boolean;
  /** The text that answers a side request without an agent; `undefined` when it takes one. */
  readonly sideAnswer: (body: ClientRequestBody) => string | undefined;
  /** The form of the agent's tools that it shows best: what the setting `auto` stands for. */
  readonly toolBlocks: (request: ClientRequest, isSideRequest: boolean) => 'text' | 'mcp';

  /** Takes the client's own additions out of a text of its user. */
  readonly filterText: TextFilter;
  /** Takes blocks that the user did not write out of the content of a user message. Anything else stays as it is. */
  readonly stripMarkup: (content: unknown) => unknown;
  /** Takes requests for the rest of an answer, which the client makes by itself, off the end of a conversation. */
  readonly stripRecovery: (messages: readonly unknown[]) => StrippedConversation;
  /** Whether the conversation says that the user interrupted the answer before its newest message. */
  readonly wasInterrupted: (messages: readonly unknown[]) => boolean;
  /** What stands around the newest user message, whose place is `index`. */
  readonly promptContext: (messages: readonly unknown[], index: number) => PromptContext;

  /** The system prompt for the thread's agent, from the texts of the request's `system`; `undefined` for none. */
  readonly systemPrompt: (blocks: readonly string[]) => string | undefined;
  /** The same for a side request. It instructs for one answer, so no policy about callers in general leaves it out. */
  readonly sideSystemPrompt: (blocks: readonly string[]) => string | undefined;
}
