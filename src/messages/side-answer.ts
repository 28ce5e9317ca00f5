import type { Message } from '../translator/stream-event.js';
import { startUsage, NO_TOKENS } from '../translator/usage.js';
import type { CreateMessageDto } from './dto/create-message.dto.js';
import { isObject } from '../turns/canonical.js';
import { textsOf } from './prompt-of.js';

/** Longest title that is made of a session's text, in characters. */
const MAX_TITLE = 60;

/** What is known of a request that may be answered without an agent. */
export interface SideRequest {
  readonly body: CreateMessageDto;
  /** Beside the conversation, by who sends it and how (see `threads/caller.ts`). */
  readonly isSideRequest: boolean;
  /** Id of the answer, `msg_…`. */
  readonly messageId: string;
}

/**
 * The answer to a request that needs no agent, or `undefined` for one that does: probes that ask for one token or none, and
 * Claude Code's requests for a session's title. Each would otherwise start an agent to say a word.
 */
export function sideAnswer({ body, isSideRequest, messageId }: SideRequest): Message | undefined {
  if (body.max_tokens <= 1)
    return message(messageId, body.model, body.max_tokens === 0 ? undefined : '.', 'max_tokens');
  if (!isSideRequest) return undefined;
  const property = onlyStringProperty(body.output_config?.['format']);
  if (property === undefined) return undefined;
  return message(messageId, body.model, JSON.stringify({ [property]: titleOf(body.messages) }), 'end_turn');
}

/** The name of the schema's only property, if there is one only and it is a string: the shape of a title. [Claude Code 2.1.330] */
function onlyStringProperty(format: unknown): string | undefined {
  if (!isObject(format) || format['type'] !== 'json_schema' || !isObject(format['schema'])) return undefined;
  const { properties } = format['schema'];
  if (!isObject(properties)) return undefined;
  const [first, ...others] = Object.entries(properties);
  if (first === undefined || others.length > 0) return undefined;
  const [name, schema] = first;
  return isObject(schema) && schema['type'] === 'string' ? name : undefined;
}

/** The first words of what the user said: of the `<session>` part of Claude Code's request, where there is one. */
function titleOf(messages: readonly unknown[]): string {
  const last = messages.findLast((candidate) => isObject(candidate) && candidate['role'] === 'user');
  const text = isObject(last) ? textsOf(last['content']).join('\n') : '';
  const start = text.indexOf('<session>');
  const end = text.indexOf('</session>', start);
  const session = start === -1 || end === -1 ? text : text.slice(start + '<session>'.length, end);
  const line =
    session
      .split('\n')
      .find((candidate) => candidate.trim() !== '')
      ?.trim() ?? 'New session';
  return line.length <= MAX_TITLE ? line : `${line.slice(0, MAX_TITLE - 1).trimEnd()}…`;
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
    usage: startUsage(NO_TOKENS),
  };
}
