import type { Request } from 'express';
import type { Prompt } from '../harness/prompt.js';
import { type Caller, callerOf, isSideRequest } from '../threads/caller.js';
import { callerSystemPrompt } from '../threads/caller-system.js';
import type { ThreadClues } from '../threads/thread.resolver.js';
import { badRequest } from '../translator/anthropic.exception.js';
import { repaired, requestKey, tellsOfInterruption } from '../turns/canonical.js';
import type { TurnRequest } from '../turns/turn-request.js';
import type { CreateMessageDto } from './dto/create-message.dto.js';
import { newestMessage, textsOf } from './prompt-of.js';

/** Longest idempotency key, in characters. */
const MAX_IDEMPOTENCY_KEY = 256;

/** What a request to `POST /v1/messages` asks for, apart from its thread. */
export interface AskedTurn extends Omit<TurnRequest, 'tenant' | 'threadKey' | 'isFreshThread'> {
  readonly caller: Caller;
  /** The text of the answer that the caller already has, when it asks for the rest of it. */
  readonly received: string | undefined;
}

/** Who sends a request, by its headers. */
export function requestCaller(http: Request): Caller {
  return callerOf({ userAgent: http.get('user-agent'), xApp: http.get('x-app') });
}

/** The parts of a request that name its thread. */
export function threadClues(http: Request, body: CreateMessageDto): ThreadClues {
  return {
    threadKey: http.get('x-chiron-thread-key') ?? http.get('x-centaur-thread-key'),
    sessionId: http.get('x-claude-code-session-id'),
    userId: body.metadata?.['user_id'],
    isSideRequest: isSideRequest({
      caller: requestCaller(http),
      hasTools: (body.tools?.length ?? 0) > 0,
      hasOutputFormat: body.output_config?.['format'] !== undefined,
      agentId: http.get('x-claude-code-agent-id'),
    }),
  };
}

/**
 * A request as the turn that it asks for.
 *
 * @throws AnthropicException (400) for a conversation without a prompt, or a malformed header.
 */
export function askedTurn(http: Request, body: CreateMessageDto, callerSystem: 'append' | 'ignore'): AskedTurn {
  const caller = requestCaller(http);
  const { messages, received } = repaired(body.messages);
  const { prompt, context, hasHistory } = newestMessage(messages);
  return {
    caller,
    received,
    // Claude Code sends the whole conversation each time, so its first message twice is a retry, and so is a repaired one: that
    // the answer left this server does not mean that it arrived.
    hasHistory: hasHistory || caller === 'claude-code' || messages !== body.messages,
    prompt: withContext(prompt, context, caller),
    requestKey: requestKey(messages),
    model: body.model,
    systemPrompt: callerSystemPrompt(textsOf(body.system), caller, callerSystem),
    idempotencyKey: idempotencyKey(http.get('idempotency-key')),
    interrupts: tellsOfInterruption(messages),
  };
}

/** What an SDK caller adds as a trailing `system` message is for the agent; what Claude Code adds describes its own machine. */
function withContext(prompt: Prompt, context: readonly string[], caller: Caller): Prompt {
  if (caller === 'claude-code' || context.length === 0) return prompt;
  return [{ type: 'text', text: `<system-reminder>\n${context.join('\n')}\n</system-reminder>` }, ...prompt];
}

function idempotencyKey(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  if (header.trim() === '' || header.length > MAX_IDEMPOTENCY_KEY) {
    throw badRequest(`idempotency-key must have 1 to ${MAX_IDEMPOTENCY_KEY} characters`);
  }
  return header;
}
