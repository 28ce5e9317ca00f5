import { createHash } from 'node:crypto';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import { readTexts } from '../../anthropic/content.js';
import type { JsonObject } from '../../domain/harness-event.js';
import type { Prompt } from '../../domain/prompt.js';
import { parseTraceId } from '../../http/request-id.js';
import type { ResolvedThread } from '../../threads/thread.resolver.js';
import { type AnswerView, contentAsShown } from '../../translator/views/answer-view.js';
import { conversationKeys, turnKey } from '../../turns/matching/conversation-key.js';
import type { ContinuationPoint } from '../../turns/matching/message-threads.js';
import type { TurnRequest } from '../../turns/turn-request.js';
import { classifyAttempt } from './attempt.js';
import type { MessageRequest } from './message-request.js';
import { extractPrompt } from './prompt-extraction.js';
import { sidePrompt } from './side-prompt.js';
import { threadField } from './thread-field.js';
import { renderHistory } from './transcript-builder.js';

/** Longest idempotency key, in characters. */
const MAX_IDEMPOTENCY_KEY = 256;

/** What decides the turn of a request besides what the request holds. */
export interface TurnContext {
  readonly tenant: string;
  readonly thread: ResolvedThread;
  /** The answer that the request goes on from; `undefined` when it holds the whole conversation. */
  readonly continuesFrom: ContinuationPoint | undefined;
  /** How a caller's system prompt is treated, unless it is a side request's. */
  readonly callerSystem: 'append' | 'ignore';
  /** The form in which the caller wants its answer, and had the ones before. */
  readonly view: AnswerView;
  /** The schema that the answer is to follow. */
  readonly outputSchema: JsonObject | undefined;
}

/** The turn that a request asks for. */
export interface RequestedTurn {
  readonly turn: TurnRequest;
  /** The text of the answer that the caller already has, when it asks for the rest of it. */
  readonly received: string | undefined;
}

/**
 * A request as the turn that it asks for.
 *
 * Rejects with an AnthropicException (400) for a conversation without a prompt, or a malformed header.
 */
export async function toTurnRequest(request: MessageRequest, context: TurnContext): Promise<RequestedTurn> {
  const { header, body, client, isSideRequest } = request;
  const { thread, continuesFrom, outputSchema } = context;
  const { messages, partialAnswer } = client.stripRecovery(body.messages);
  const keys = await conversationKeys(messages, continuesFrom?.conversationKey, client.filterText);
  const { prompt, hasHistory, firstIndex } = isSideRequest
    ? { prompt: sidePrompt(messages, client), hasHistory: true, firstIndex: 0 }
    : extractPrompt(messages, client);
  const key = idempotencyKey(header('idempotency-key'));
  const turn = {
    tenant: context.tenant,
    threadKey: continuesFrom?.thread.key ?? thread.key,
    isFreshThread: thread.isFresh && continuesFrom === undefined,
    isSideRequest,
    continuesFrom,
    caller: client.kind,
    // A repaired conversation is a retry as well: that the answer left this server does not mean that it arrived.
    hasHistory:
      hasHistory || client.sendsWholeConversation || messages !== body.messages || continuesFrom !== undefined,
    prompt,
    outputSchema,
    requestKey: turnKey(keys.at(-1) ?? '', outputSchema),
    history: toPriorConversation(
      keys,
      () => renderHistory(messages.slice(0, firstIndex), client.filterText),
      context.view,
    ),
    user: hashUser(body.metadata?.['user_id']),
    model: body.model,
    systemPrompt: readSystemPrompt(request, context.callerSystem),
    idempotencyKey: key,
    attempt: classifyAttempt({
      client,
      retryCount: header('x-stainless-retry-count'),
      idempotencyKey: key,
      isNameless: thread.isFresh && threadField(body.thread) === undefined,
    }),
    interrupts: client.wasInterrupted(messages),
    traceId: parseTraceId(header('traceparent')),
  };
  return { turn, received: partialAnswer };
}

/** The newest message stands at the end; before it its conversation has at least a message and an answer, or no history. */
function toPriorConversation(
  keys: readonly string[],
  toPrompt: () => Prompt,
  view: AnswerView,
): TurnRequest['history'] {
  const [promptKey, answerKey] = keys.slice(-3, -1);
  if (promptKey === undefined || answerKey === undefined) return undefined;
  return {
    promptKey,
    answerKey,
    toPrompt,
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

/** A user's id may be a name or an address, which nobody needs to read in the store. */
function hashUser(id: unknown): string | undefined {
  return typeof id === 'string' && id !== '' ? createHash('sha256').update(id).digest('hex').slice(0, 32) : undefined;
}

function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '' || header.length > MAX_IDEMPOTENCY_KEY) {
    throw badRequest(`idempotency-key must have 1 to ${MAX_IDEMPOTENCY_KEY} characters`);
  }
  return header;
}
