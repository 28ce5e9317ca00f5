import type { Request } from 'express';
import { createHash } from 'node:crypto';
import type { AppConfig } from '../../config/app-config.js';
import type { JsonObject } from '../../domain/harness-event.js';
import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import { type ClientKind, detectClient, callsFromTerminal, isSideRequest } from '../../clients/client-kind.js';
import { callerSystemPrompt, sideSystemPrompt } from '../../clients/claude-code/system-prompt.js';
import type { ThreadClues } from '../../threads/thread.resolver.js';
import { badRequest } from '../../anthropic/anthropic.exception.js';
import {
  conversationKeys,
  stripRecoveryMessages,
  endsWithInterruptMarker,
  turnKey,
} from '../../turns/matching/conversation-key.js';
import type { TurnRequest } from '../../turns/turn-request.js';
import type { CreateMessageDto } from './create-message.dto.js';
import { type AnswerView, contentAsShown } from '../../translator/views/answer-view.js';
import type { AnswerOptions } from '../response/answer.service.js';
import { planModeNote, textFilterFor } from '../../clients/claude-code/markup.js';
import type { AnswerFormat } from './output-schema.js';
import { presentation, TOOL_BLOCKS_HEADER } from './presentation.js';
import { textParts } from './prompt-blocks.js';
import { extractPrompt, type ExtractedPrompt } from './prompt-extraction.js';
import { renderHistory } from './transcript-builder.js';
import { parseTraceId } from '../../http/request-id.js';
import { sidePrompt } from './side-prompt.js';

/** Longest idempotency key, in characters. */
const MAX_IDEMPOTENCY_KEY = 256;

/**
 * How the request wants its answer.
 *
 * @throws AnthropicException (400) for a malformed header.
 */
export function answerOptions(
  http: Request,
  body: CreateMessageDto,
  config: Pick<AppConfig, 'toolBlocks' | 'toolOutputLimit'>,
  { format, isSideRequest: isSide }: { readonly format: AnswerFormat; readonly isSideRequest: boolean },
): Omit<AnswerOptions, 'received'> {
  const caller = requestCaller(http);
  // What Claude Code asks beside the conversation it reads itself, also in a terminal.
  const isTerminal =
    caller === 'claude-code' &&
    !isSide &&
    callsFromTerminal({ userAgent: http.get('user-agent'), system: body.system });
  const reader = { caller, isTerminal, readsJson: format.schema !== undefined };
  return {
    hasHardTimeout: caller === 'claude-code',
    presentation: presentation(http.get(TOOL_BLOCKS_HEADER), body, config, reader),
    stopSequences: body.stop_sequences ?? [],
    answerTool: format.tool,
  };
}

/** What a request to `POST /v1/messages` asks for, apart from its thread. */
export interface TurnRequestFields extends Omit<
  TurnRequest,
  'tenant' | 'threadKey' | 'isFreshThread' | 'isSideRequest' | 'continuesFrom' | 'attempt'
> {
  readonly caller: ClientKind;
  /** The text of the answer that the caller already has, when it asks for the rest of it. */
  readonly received: string | undefined;
}

/** Who sends a request, by its headers. */
export function requestCaller(http: Request): ClientKind {
  return detectClient({ userAgent: http.get('user-agent'), xApp: http.get('x-app') });
}

/** The parts of a request that name its thread. */
export function threadClues(http: Request, body: CreateMessageDto): ThreadClues {
  return {
    threadKey: http.get('x-chiron-thread-key') ?? http.get('x-centaur-thread-key'),
    sessionId: http.get('x-claude-code-session-id'),
    userId: body.metadata?.['user_id'],
    isSideRequest: isSideRequest({
      caller: requestCaller(http),
      requestClass: http.get('x-claude-code-request-class'),
      agentId: http.get('x-claude-code-agent-id'),
      body,
    }),
  };
}

/** What is known of a request besides what it holds. */
export interface RequestContext {
  readonly callerSystem: 'append' | 'ignore';
  /** The request is beside the conversation (see {@link threadClues}), so that its agent is to be told all of that. */
  readonly isSideRequest: boolean;
  /** The key of the conversation that the request goes on with; `undefined` when it holds the whole of it. */
  readonly after: string | undefined;
  /** The form in which it wants its answer, and had the ones before. */
  readonly form: AnswerView;
  /** The schema that its answer is to follow. */
  readonly outputSchema?: JsonObject | undefined;
}

/**
 * A request as the turn that it asks for.
 *
 * Rejects with an AnthropicException (400) for a conversation without a prompt, or a malformed header.
 */
export async function toTurnRequest(
  http: Request,
  body: CreateMessageDto,
  place: RequestContext,
): Promise<TurnRequestFields> {
  const { after, isSideRequest: isSide, callerSystem, form, outputSchema: schema } = place;
  const caller = requestCaller(http);
  const read = textFilterFor(caller);
  // Of another caller the words with which Claude Code asks for the rest of an answer are words of its user.
  const { messages, partialAnswer } =
    caller === 'claude-code'
      ? stripRecoveryMessages(body.messages)
      : { messages: body.messages, partialAnswer: undefined };
  const keys = await conversationKeys(messages, after, read);
  const system = textParts(body.system);
  const { prompt, hasHistory, firstIndex } = isSide
    ? { prompt: sidePrompt(messages), hasHistory: true, firstIndex: 0 }
    : promptInContext(messages, caller);
  return {
    caller,
    received: partialAnswer,
    // Claude Code sends the whole conversation each time, so its first message twice is a retry, and so is a repaired one: that
    // the answer left this server does not mean that it arrived.
    hasHistory: hasHistory || caller === 'claude-code' || messages !== body.messages || after !== undefined,
    prompt,
    outputSchema: schema,
    requestKey: turnKey(keys.at(-1) ?? '', schema),
    history: toPriorConversation(keys, () => renderHistory(messages.slice(0, firstIndex), read), form),
    user: hashUser(body.metadata?.['user_id']),
    model: body.model,
    systemPrompt: isSide ? sideSystemPrompt(system) : callerSystemPrompt(system, caller, callerSystem),
    idempotencyKey: idempotencyKey(http.get('idempotency-key')),
    interrupts: endsWithInterruptMarker(messages),
    traceId: parseTraceId(http.get('traceparent')),
  };
}

/** The newest message stands at the end; before it its conversation has at least a message and an answer, or no history. */
function toPriorConversation(
  keys: readonly string[],
  toPrompt: () => Prompt,
  form: AnswerView,
): TurnRequestFields['history'] {
  const [promptKey, answerKey] = keys.slice(-3, -1);
  if (promptKey === undefined || answerKey === undefined) return undefined;
  return {
    promptKey,
    answerKey,
    toPrompt,
    asShown: (message) => contentAsShown(message, form),
  };
}

/** A user's id may be a name or an address, which nobody needs to read in the store. */
function hashUser(id: unknown): string | undefined {
  return typeof id === 'string' && id !== '' ? createHash('sha256').update(id).digest('hex').slice(0, 32) : undefined;
}

/**
 * The newest message with what the agent must know besides. What an SDK caller adds as a trailing `system` message is for the agent;
 * what Claude Code adds describes its own machine, but for the mode that its user is in.
 */
function promptInContext(messages: readonly unknown[], caller: ClientKind): Omit<ExtractedPrompt, 'context'> {
  const { context, ...newest } = extractPrompt(messages, caller);
  const note = caller === 'claude-code' ? planModeNote(context) : context.join('\n');
  if (note === undefined || note === '') return newest;
  const reminder: PromptBlock = { type: 'text', text: `<system-reminder>\n${note}\n</system-reminder>` };
  return { ...newest, prompt: [reminder, ...newest.prompt] };
}

function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '' || header.length > MAX_IDEMPOTENCY_KEY) {
    throw badRequest(`idempotency-key must have 1 to ${MAX_IDEMPOTENCY_KEY} characters`);
  }
  return header;
}
