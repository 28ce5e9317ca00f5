import type { Principal } from '../../auth/principal.js';
import type { HeaderReader } from '../../clients/client-profile.js';
import { joinSystemBlocks } from '../../clients/system-blocks.js';
import { parseKnownTurns } from '../../domain/known-turns.js';
import type { AppliedPolicies } from '../../domain/policy/policy.js';
import { withHistory } from '../../domain/prompt.js';
import { renderSeed } from '../../domain/seed/render-seed.js';
import type { TextFilter } from '../../domain/text-filter.js';
import { asUserId } from '../../domain/user-id.js';
import { readIdempotencyKey } from '../../http/idempotency-key.js';
import { KNOWN_TURNS_HEADER } from '../../http/thread-headers.js';
import type { ResolvedThread } from '../../threads/thread.resolver.js';
import { classifyAttempt } from '../../turns/matching/attempt.js';
import { promptAfterSeed } from '../../turns/matching/caller-results.js';
import { computeConversationKeys, computeTurnKey } from '../../turns/matching/conversation-key.js';
import type { ContinuationPoint } from '../../turns/matching/message-threads.js';
import { computePromptKey, computePromptMessages } from '../../turns/matching/prompt-messages.js';
import { hashUser } from '../../turns/matching/user-hash.js';
import type { PriorConversation, PromptChain, Seeding, TurnRequest } from '../../turns/turn-request.js';
import {
  type ConversationEntry,
  findNewest,
  type NewestInput,
  readLeadingInstructions,
  toComparable,
  toInputSeed,
} from './conversation-entry.js';

/** What is known of the kind of client that sent a request. */
export interface RequestClient {
  /** The client's name. Stored with each of its turns, so it must not change. */
  readonly kind: string;
  /** Whether every request has the conversation from its start. */
  readonly sendsWholeConversation: boolean;
  /** Whether its `x-stainless-retry-count` is reliable. */
  readonly countsRetries: boolean;
  /** Removes the client's own additions from a text of its user. */
  readonly filterText: TextFilter;
  /** Finds the place of the newest summary by which the client replaced others. */
  readonly findSummary: (entries: readonly ConversationEntry[]) => number | undefined;
}

/** A request for an answer, apart from the form in which its API has it. */
export interface ConversationRequest extends Pick<
  TurnRequest,
  'callerTools' | 'doorData' | 'interrupts' | 'isSideRequest' | 'model' | 'outputSchema'
> {
  readonly header: HeaderReader;
  readonly client: RequestClient;
  readonly principal: Pick<Principal, 'tenant' | 'keyId'>;
  readonly policies: AppliedPolicies;
  readonly thread: ResolvedThread;
  /** The answer that the request continues; `undefined` for none. */
  readonly continuesFrom: ContinuationPoint | undefined;
  readonly entries: readonly ConversationEntry[];
  /** What it says that is new. */
  readonly input: NewestInput;
  /** Its fields with the caller's own id of its user, the first of which counts. */
  readonly userIds: readonly unknown[];
  /** Who makes a thread with the request, if not its user. */
  readonly maker: string | undefined;
  /** The client's own name of the request; the header `idempotency-key` counts before it. */
  readonly requestName: string | undefined;
  /** Whether what the request says belongs to the turn that may be running. */
  readonly isAddition: boolean;
  readonly systemPrompt: string | undefined;
  /** Whether a person reads the answer, who is told there what others did on the thread meanwhile. */
  readonly isReadByPerson: boolean;
  readonly asShown: PriorConversation['asShown'];
}

/** Makes the request for a turn. Rejects with a ServiceError (`bad_request`) for a malformed header. */
export async function toOpenaiTurn(request: ConversationRequest): Promise<TurnRequest> {
  const { header, client, principal, thread, continuesFrom, entries, input, isSideRequest, outputSchema } = request;
  const newest = findNewest(entries);
  const keys = await computeConversationKeys(toComparable(entries), continuesFrom?.conversationKey, client.filterText);
  const idempotencyKey = readIdempotencyKey(header('idempotency-key')) ?? request.requestName;
  const userId = request.userIds.find((id) => id !== undefined && id !== null);
  const isFreshThread = thread.isFresh && continuesFrom === undefined;
  return {
    tenant: principal.tenant,
    policies: request.policies,
    billedTo: { keyId: principal.keyId, userId: asUserId(userId) },
    threadKey: continuesFrom?.thread.key ?? thread.key,
    isFreshThread,
    isSideRequest,
    continuesFrom,
    caller: client.kind,
    hasHistory: newest > 0 || client.sendsWholeConversation || continuesFrom !== undefined,
    // The agent of a side request knows no conversation, so that its prompt has it.
    prompt: isSideRequest
      ? withHistory(renderSeed(toInputSeed(entries.slice(0, newest), client.filterText)), input.prompt)
      : input.prompt,
    toolResults: isSideRequest ? undefined : input.toolResults,
    callerTools: request.callerTools,
    outputSchema,
    requestKey: computeTurnKey(keys.at(-1) ?? '', outputSchema),
    history: toHistory(request, keys, newest),
    chain: isSideRequest ? undefined : await toChain(client, entries, newest),
    user: hashUser(request.maker ?? userId),
    knownTurns: parseKnownTurns(header(KNOWN_TURNS_HEADER)),
    isReadByPerson: request.isReadByPerson,
    model: request.model,
    systemPrompt: request.systemPrompt,
    idempotencyKey,
    attempt: classifyAttempt({
      countsRetries: client.countsRetries,
      retryCount: header('x-stainless-retry-count'),
      idempotencyKey,
      isNameless: isFreshThread,
    }),
    interrupts: request.interrupts,
    traceparent: header('traceparent'),
    ...(request.isAddition ? { onBusy: 'steer' as const } : {}),
    ...(request.doorData === undefined ? {} : { doorData: request.doorData }),
  };
}

/** Joins the system prompt of a request: its instructions, and the messages of the developer before the conversation. */
export function joinSystemPrompt(
  instructions: string | null | undefined,
  entries: readonly ConversationEntry[],
): string | undefined {
  const leading = readLeadingInstructions(entries);
  return joinSystemBlocks(instructions === undefined || instructions === null ? leading : [instructions, ...leading]);
}

/** Makes the prior conversation; `undefined` unless at least a message and an answer precede the newest message. */
function toHistory(
  { client: { filterText }, entries, input, asShown }: ConversationRequest,
  keys: readonly string[],
  newest: number,
): TurnRequest['history'] {
  const [promptKey, answerKey] = keys.slice(-3, -1);
  if (promptKey === undefined || answerKey === undefined) return undefined;
  const toSeeding = (start = 0): Seeding => {
    const results = entries
      .slice(newest)
      .map((entry) => ({ ...entry, blocks: entry.blocks.filter(({ type }) => type === 'tool-result') }));
    return {
      seed: toInputSeed([...entries.slice(start, newest), ...results], filterText),
      prompt: promptAfterSeed(input),
    };
  };
  return { promptKey, answerKey, asShown, toSeeding };
}

/** Makes the chain of the user's messages, by which an edited history is recognised. */
async function toChain(
  client: RequestClient,
  entries: readonly ConversationEntry[],
  newest: number,
): Promise<PromptChain> {
  const messages = toComparable(entries);
  const [prompt] = await computePromptMessages(messages.slice(newest), client.filterText);
  return {
    promptKey: prompt?.key,
    isComplete: client.sendsWholeConversation,
    findSummary: () => client.findSummary(entries),
    computeKey: (shown) => computePromptKey(shown, client.filterText),
    readPrompts: () => computePromptMessages(messages.slice(0, newest), client.filterText),
  };
}
