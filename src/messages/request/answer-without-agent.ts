import type { Message } from '../../anthropic/stream-event.js';
import { initialWireUsage } from '../../anthropic/usage.js';
import type { MessageRequest } from './message-request.js';

/**
 * Answers requests that need no agent: probes with `max_tokens` 0 or 1, and side requests that the client's profile can answer;
 * `undefined` for others. Each would otherwise start an agent for a one-word answer.
 *
 * @param messageId id of the answer, `msg_…`.
 */
export function answerWithoutAgent(request: MessageRequest, messageId: string): Message | undefined {
  const { body, client, isSideRequest } = request;
  if (body.max_tokens <= 1)
    return message(messageId, body.model, body.max_tokens === 0 ? undefined : '.', 'max_tokens');
  const text = isSideRequest ? client.sideAnswer(body) : undefined;
  return text === undefined ? undefined : message(messageId, body.model, text, 'end_turn');
}

function message(id: string, model: string, text: string | undefined, stopReason: 'end_turn' | 'max_tokens'): Message {
  return {
    id,
    type: 'message',
    role: 'assistant',
    model,
    content: text === undefined ? [] : [{ type: 'text', text, citations: null }],
    stop_reason: stopReason,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    context_management: null,
    usage: initialWireUsage(null),
  };
}
