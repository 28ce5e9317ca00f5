import type { Message } from '../../anthropic/stream-event.js';
import { truncateAtCodePoint } from '../../domain/well-formed.js';
import { initialWireUsage } from '../../anthropic/usage.js';
import type { CreateMessageDto } from './create-message.dto.js';
import { isObject } from '../../turns/matching/conversation-key.js';
import { textParts } from './prompt-blocks.js';

/** Longest title that is made of a session's text, in characters. */
const MAX_TITLE = 60;

/** What is known of a request that may be answered without an agent. */
export interface LocalAnswerInput {
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
export function answerWithoutAgent({ body, isSideRequest, messageId }: LocalAnswerInput): Message | undefined {
  if (body.max_tokens <= 1)
    return message(messageId, body.model, body.max_tokens === 0 ? undefined : '.', 'max_tokens');
  if (!isSideRequest || !wantsTitle(body.output_config?.['format'])) return undefined;
  return message(messageId, body.model, JSON.stringify({ title: toTitle(body.messages) }), 'end_turn');
}

/**
 * Whether a schema has a title for its only property: what Claude Code asks for on a session's first message. A name that its user
 * asked for with `/rename` is another one, `name`, and worth an agent. [Claude Code 2.1.330]
 */
function wantsTitle(format: unknown): boolean {
  if (!isObject(format) || format['type'] !== 'json_schema' || !isObject(format['schema'])) return false;
  const { properties } = format['schema'];
  if (!isObject(properties) || Object.keys(properties).length !== 1) return false;
  const { title } = properties;
  return isObject(title) && title['type'] === 'string';
}

/** The first words of what the user said: of the `<session>` part of Claude Code's request, where there is one. */
function toTitle(messages: readonly unknown[]): string {
  const last = messages.findLast((candidate) => isObject(candidate) && candidate['role'] === 'user');
  const text = isObject(last) ? textParts(last['content']).join('\n') : '';
  const start = text.indexOf('<session>');
  const end = text.indexOf('</session>', start);
  const session = start === -1 || end === -1 ? text : text.slice(start + '<session>'.length, end);
  const line =
    session
      .split('\n')
      .find((candidate) => candidate.trim() !== '')
      ?.trim() ?? 'New session';
  if (line.length <= MAX_TITLE) return line;
  const cut = truncateAtCodePoint(line, MAX_TITLE - 1);
  // Between two words, unless the last one is most of it.
  const space = cut.lastIndexOf(' ');
  return `${(space > MAX_TITLE / 2 ? cut.slice(0, space) : cut).trimEnd()}…`;
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
