import { readTexts } from '../../anthropic/content.js';
import type { Principal } from '../../auth/principal.js';
import type { CallerTools } from '../../domain/caller-tool.js';
import type { JsonObject } from '../../domain/harness-event.js';
import { parseKnownTurns } from '../../domain/known-turns.js';
import type { McpServer } from '../../domain/mcp-server.js';
import type { AppliedPolicies } from '../../domain/policy/policy.js';
import type { Prompt } from '../../domain/prompt.js';
import { readIdempotencyKey } from '../../http/idempotency-key.js';
import { KNOWN_TURNS_HEADER } from '../../http/thread-headers.js';
import type { ResolvedThread } from '../../threads/thread.resolver.js';
import { type AnswerView, contentAsShown } from '../../translator/views/answer-view.js';
import { classifyAttempt } from '../../turns/matching/attempt.js';
import { computeConversationKeys, computeTurnKey } from '../../turns/matching/conversation-key.js';
import { promptAfterSeed } from '../../turns/matching/caller-results.js';
import { hashUser } from '../../turns/matching/user-hash.js';
import type { ContinuationPoint } from '../../turns/matching/message-threads.js';
import type { Seeding, TurnRequest } from '../../turns/turn-request.js';
import type { MessageRequest } from './message-request.js';
import { type ExtractedPrompt, extractPrompt } from './prompt-extraction.js';
import { onlyToolResults } from './tools/tool-results.js';
import { toSeedMessages } from './seed-messages.js';
import { toSidePrompt } from './side-prompt.js';
import { parseThreadField } from './thread-field.js';
import { toPromptChain } from './prompt-chain.js';

/** The inputs of a turn that are not in the request itself. */
export interface TurnContext {
  readonly principal: Pick<Principal, 'tenant' | 'keyId'>;
  readonly policies: AppliedPolicies;
  readonly thread: ResolvedThread;
  /** The answer that the request continues; `undefined` if it has the complete conversation. */
  readonly continuesFrom: ContinuationPoint | undefined;
  /** How to treat the caller's system prompt, except in side requests. */
  readonly callerSystem: 'append' | 'ignore';
  /** The form in which the caller gets its answers. */
  readonly view: AnswerView;
  /** The schema that the answer must follow, if any. */
  readonly outputSchema: JsonObject | undefined;
  /** The caller's tools that the agent can call, if any. */
  readonly callerTools: CallerTools | undefined;
  /** The caller's MCP servers, if any. */
  readonly mcpServers: readonly McpServer[];
}

/** The turn of a request. */
export interface RequestedTurn {
  readonly turn: TurnRequest;
  /** The text that the caller already has, if it requests the rest of an answer. */
  readonly received: string | undefined;
}

/**
 * Converts a request to a request for a turn.
 *
 * Rejects with an AnthropicException (400) for a conversation without a prompt, and with a ServiceError for a malformed header.
 */
export async function toTurnRequest(request: MessageRequest, context: TurnContext): Promise<RequestedTurn> {
  const { header, body, client, isSideRequest } = request;
  const { principal, thread, continuesFrom, outputSchema } = context;
  const { messages, partialAnswer } = client.stripRecovery(body.messages);
  const keys = await computeConversationKeys(messages, continuesFrom?.conversationKey, client.filterText);
  const { hasHistory, firstIndex, ...input } = isSideRequest
    ? toSideInput(toSidePrompt(messages, client))
    : extractPrompt(messages, client);
  const key = readIdempotencyKey(header('idempotency-key'));
  const turn = {
    tenant: principal.tenant,
    policies: context.policies,
    billedTo: { keyId: principal.keyId, userId: client.findUser(body.metadata?.['user_id']) },
    threadKey: continuesFrom?.thread.key ?? thread.key,
    isFreshThread: thread.isFresh && continuesFrom === undefined,
    isSideRequest,
    continuesFrom,
    caller: client.kind,
    // A repaired conversation is a retry, too: an answer that left this server may not have arrived.
    hasHistory:
      hasHistory || client.sendsWholeConversation || messages !== body.messages || continuesFrom !== undefined,
    ...input,
    callerTools: context.callerTools,
    mcpServers: context.mcpServers,
    outputSchema,
    requestKey: computeTurnKey(keys.at(-1) ?? '', outputSchema),
    history: toPriorConversation(
      keys,
      (start = 0) => ({
        seed: toSeedMessages(
          [...messages.slice(start, firstIndex), ...onlyToolResults(messages, firstIndex)],
          client.filterText,
        ),
        prompt: promptAfterSeed(input),
      }),
      context.view,
    ),
    chain: isSideRequest ? undefined : await toPromptChain(messages, client),
    user: hashUser(body.metadata?.['user_id']),
    knownTurns: parseKnownTurns(header(KNOWN_TURNS_HEADER)),
    isReadByPerson: context.view.presentation.toolBlocks === 'text',
    model: body.model,
    systemPrompt: readSystemPrompt(request, context.callerSystem),
    idempotencyKey: key,
    attempt: classifyAttempt({
      countsRetries: client.countsRetries,
      retryCount: header('x-stainless-retry-count'),
      idempotencyKey: key,
      isNameless: thread.isFresh && parseThreadField(body.thread) === undefined,
    }),
    interrupts: client.wasInterrupted(messages),
    traceparent: header('traceparent'),
  };
  return { turn, received: partialAnswer };
}

/** The prompt of a side request has the whole conversation; its agent has called no tools. */
function toSideInput(prompt: Prompt): ExtractedPrompt {
  return { prompt, toolResults: undefined, hasHistory: true, firstIndex: 0 };
}

/** Makes the prior conversation; `undefined` unless at least a message and an answer precede the newest message. */
function toPriorConversation(
  keys: readonly string[],
  toSeeding: (start?: number) => Seeding,
  view: AnswerView,
): TurnRequest['history'] {
  const [promptKey, answerKey] = keys.slice(-3, -1);
  if (promptKey === undefined || answerKey === undefined) return undefined;
  return {
    promptKey,
    answerKey,
    toSeeding,
    asShown: (message) => contentAsShown(message, view),
  };
}

function readSystemPrompt(
  { body, client, isSideRequest }: MessageRequest,
  policy: TurnContext['callerSystem'],
): string | undefined {
  const blocks = readTexts(body.system);
  if (isSideRequest) return client.sideSystemPrompt(blocks);
  return policy === 'ignore' ? undefined : client.systemPrompt(blocks);
}
