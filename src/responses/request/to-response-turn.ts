import type { Principal } from '../../auth/principal.js';
import { joinSystemBlocks } from '../../clients/system-blocks.js';
import type { CallerTools } from '../../domain/caller-tool.js';
import { asObject, asStrings } from '../../domain/json.js';
import type { AppliedPolicies } from '../../domain/policy/policy.js';
import { type Prompt, withHistory } from '../../domain/prompt.js';
import { renderSeed } from '../../domain/seed/render-seed.js';
import { parseKnownTurns } from '../../domain/known-turns.js';
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
import type { PromptChain, Seeding, TurnRequest } from '../../turns/turn-request.js';
import type { ResponsesCall, ResponsesClient } from '../clients/responses-client.js';
import type { ResponseToolForm, ResponseView } from '../translate/response-state.js';
import { readConversationId } from './conversation-id.js';
import type { RequiredCall } from './function-tools.js';
import {
  type ConversationEntry,
  findNewest,
  type NewestInput,
  readLeadingInstructions,
  readNewest,
  toComparable,
  toInputSeed,
} from './input-conversation.js';
import { toStoredFacts } from './stored-facts.js';
import type { TextFormat } from './text-format.js';
import { isSaid, type TurnWordsFound } from './turn-words.js';

/** The inputs of a turn that are not in the request itself, or were read from it before. */
export interface ResponseTurnContext {
  readonly principal: Pick<Principal, 'tenant' | 'keyId'>;
  readonly policies: AppliedPolicies;
  readonly thread: ResolvedThread;
  readonly isSideRequest: boolean;
  /** The response that the request continues; `undefined` for none. */
  readonly continuesFrom: ContinuationPoint | undefined;
  readonly entries: readonly ConversationEntry[];
  readonly interrupts: boolean;
  /** What the request brings to a turn that its client has a name for. */
  readonly words: TurnWordsFound | undefined;
  readonly ignoresInstructions: boolean;
  readonly callerTools: CallerTools | undefined;
  readonly required: RequiredCall | undefined;
  readonly format: TextFormat;
  readonly toolForm: ResponseToolForm;
  readonly toolOutputLimit: number;
}

/** Converts a request to a request for a turn. Rejects with a ServiceError (`bad_request`) without a prompt, or for a malformed header. */
export async function toResponseTurn(
  call: ResponsesCall,
  client: ResponsesClient,
  context: ResponseTurnContext,
): Promise<TurnRequest> {
  const { header, body } = call;
  const { principal, thread, continuesFrom, entries, isSideRequest, words, required, format } = context;
  const comparable = toComparable(entries);
  const newest = findNewest(entries);
  const input = readSaid(client, context, newest);
  const keys = await computeConversationKeys(comparable, continuesFrom?.conversationKey, client.filterText);
  const outputSchema = required?.schema ?? format.schema;
  const idempotencyKey = readIdempotencyKey(header('idempotency-key')) ?? words?.key;
  const userId = body.safety_identifier ?? body.user;
  return {
    tenant: principal.tenant,
    policies: context.policies,
    billedTo: { keyId: principal.keyId, userId: asUserId(userId) },
    threadKey: continuesFrom?.thread.key ?? thread.key,
    isFreshThread: thread.isFresh && continuesFrom === undefined,
    isSideRequest,
    continuesFrom,
    caller: client.kind,
    hasHistory: newest > 0 || client.sendsWholeConversation || continuesFrom !== undefined,
    prompt: isSideRequest ? toSideInput(client, entries, newest, input.prompt) : input.prompt,
    toolResults: isSideRequest ? undefined : input.toolResults,
    callerTools: context.callerTools,
    outputSchema,
    requestKey: computeTurnKey(keys.at(-1) ?? '', outputSchema),
    history: toHistory(client, context, keys, newest, input),
    chain: isSideRequest ? undefined : await toChain(client, entries, newest),
    user: hashUser(client.findMaker(call) ?? userId),
    knownTurns: parseKnownTurns(header(KNOWN_TURNS_HEADER)),
    isReadByPerson: context.toolForm === 'lines' || context.toolForm === 'both',
    model: body.model,
    systemPrompt: readInstructions(call, client, context),
    idempotencyKey,
    attempt: classifyAttempt({
      countsRetries: client.countsRetries,
      retryCount: header('x-stainless-retry-count'),
      idempotencyKey,
      isNameless: thread.isFresh && continuesFrom === undefined,
    }),
    interrupts: context.interrupts,
    traceparent: header('traceparent'),
    // Words that are typed while the turn runs are for that turn.
    ...(words?.areAdded === true ? { onBusy: 'steer' as const } : {}),
    doorData: toStoredFacts(
      {
        background: body.background === true,
        store: body.store !== false,
        parallelToolCalls: body.parallel_tool_calls !== false,
        metadata: asObject(body.metadata),
        previousResponseId: body.previous_response_id ?? undefined,
        conversationId: readConversationId(call),
        textFormat: format.echo,
      },
      toView(call, client, context),
    ),
  };
}

function toView(
  { body }: ResponsesCall,
  { view }: ResponsesClient,
  { toolForm, toolOutputLimit, required }: ResponseTurnContext,
): ResponseView {
  const included: readonly unknown[] = body.include ?? [];
  return {
    ...view,
    toolForm,
    toolOutputLimit,
    hasEncryptedReasoning: included.includes('reasoning.encrypted_content'),
    // A background response is read by its id, so its reader knows that it was cancelled.
    endsCancelled: view.endsCancelled || body.background === true,
    ...(required === undefined ? {} : { forcedCall: required.call }),
  };
}

/** Reads what the newest entries say, without what earlier requests of the same turn have brought. */
function readSaid(client: ResponsesClient, { entries, words }: ResponseTurnContext, newest: number): NewestInput {
  const leading = entries.findIndex(({ role }) => role !== 'instructions');
  const said = entries.slice(Math.max(newest, leading));
  if (words === undefined || words.known === 0) return readNewest(said, client.filterText);
  let known = words.known;
  return readNewest(
    said.filter(({ role, blocks }) => role !== 'user' || !isSaid(blocks, client) || known-- <= 0),
    client.filterText,
  );
}

/** The agent of a side request knows no conversation, so that its prompt has it. */
function toSideInput(
  { filterText }: ResponsesClient,
  entries: readonly ConversationEntry[],
  newest: number,
  prompt: Prompt,
): Prompt {
  return withHistory(renderSeed(toInputSeed(entries.slice(0, newest), filterText)), prompt);
}

/** Makes the prior conversation; `undefined` unless at least a message and an answer precede the newest message. */
function toHistory(
  { filterText }: ResponsesClient,
  { entries }: ResponseTurnContext,
  keys: readonly string[],
  newest: number,
  input: NewestInput,
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
  return { promptKey, answerKey, asShown: ({ content }) => content, toSeeding };
}

/** Makes the chain of the user's messages, by which an edited history is recognised. */
async function toChain(
  client: ResponsesClient,
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

function readInstructions(
  { body }: ResponsesCall,
  { hasInstructions }: ResponsesClient,
  { entries, ignoresInstructions, isSideRequest }: ResponseTurnContext,
): string | undefined {
  // Those of a side request apply to its one answer.
  if (!isSideRequest && (!hasInstructions || ignoresInstructions)) return undefined;
  return joinSystemBlocks([...asStrings([body.instructions ?? '']), ...readLeadingInstructions(entries)]);
}
