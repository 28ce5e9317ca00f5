import type { HeaderReader } from '../../clients/client-profile.js';
import type { RequestClient } from '../../openai/request/to-openai-turn.js';
import type { SessionClue } from '../../threads/thread.resolver.js';
import type { CreateResponseDto } from '../request/create-response.dto.js';
import type { ConversationEntry } from '../../openai/request/conversation-entry.js';
import type { InputEntry } from '../request/read-input.js';
import type { ResponseView } from '../translate/response-state.js';

/** A request to `POST /v1/responses`. */
export interface ResponsesCall {
  readonly header: HeaderReader;
  readonly body: CreateResponseDto;
}

/** How a request that is not a turn of its conversation is answered. */
export type SideAnswer =
  /** With this text, without an agent. */
  | { readonly kind: 'text'; readonly text: string }
  /** With the item that stands for a compacted conversation, without an agent. */
  | { readonly kind: 'compaction' }
  /** By an agent without tools, on a thread that is removed afterwards. */
  | { readonly kind: 'agent' };

/**
 * The behaviour of one kind of client: how it names its conversations, what it adds to its user's words, and what it can show.
 * `detectResponsesClient` chooses the profile once per request; no other code checks for a client.
 */
export interface ResponsesClient extends RequestClient {
  /** Whether this client sent a request with these headers. */
  readonly isSender: (header: HeaderReader) => boolean;
  /** Whether its tools are offered to the agent under the policy `auto`. False if they would act on its user's machine unasked. */
  readonly lendsTools: boolean;
  /** Whether its `instructions` are for any agent. False if they describe the client's own. */
  readonly hasInstructions: boolean;
  /** Whether refusals must be told as failed responses, because it repeats a request with another status too often. */
  readonly needsFailuresInStream: boolean;
  /** How it shows the agent's tools by the setting `auto`, and what it takes usage and interruptions for. */
  readonly view: Pick<ResponseView, 'toolForm' | 'usageOf' | 'endsCancelled'>;

  /** Finds the client's session of a request, if it names one. */
  readonly findSession: (call: ResponsesCall) => SessionClue | undefined;
  /** Finds the client's own id of the turn, which all tries of it share; `undefined` if it has none. */
  readonly findTurnId: (call: ResponsesCall) => string | undefined;
  /** Finds who makes a thread with a request, besides its user: others that join the thread never had its earlier messages. */
  readonly findMaker: (call: ResponsesCall) => string | undefined;
  /** Says how a request that is not a turn is answered; `undefined` for a turn. */
  readonly sideAnswer: (call: ResponsesCall, entries: readonly ConversationEntry[]) => SideAnswer | undefined;
  /** Rewrites the entries of a request so that what the user says now follows the last entry of an agent. */
  readonly arrange: (entries: readonly InputEntry[]) => readonly InputEntry[];
  /** Whether the user interrupted the answer before the newest message. */
  readonly wasInterrupted: (entries: readonly InputEntry[]) => boolean;
}
