import { badRequest } from '../../anthropic/anthropic.exception.js';
import { isJsonObject } from '../../domain/json.js';
import { missingOr } from '../../http/field-problems.js';

/** The `thread` field of a request: the body has the complete conversation, or only the new messages after an answer. */
export type ThreadField =
  { readonly type: 'create' } | { readonly type: 'continue'; readonly previousMessageId: string };

/**
 * Reads the `thread` field of Message Threads (beta `message-threads-2026-08-12`); `undefined` if a request has none. Does not require
 * the beta header. [@anthropic-ai/sdk 1.12.0, Claude Code 2.1.330]
 *
 * @throws AnthropicException (400) for another type, or a `continue` without its message.
 */
export function parseThreadField(value: unknown): ThreadField | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw badRequest('thread: Input should be a valid dictionary');
  switch (value['type']) {
    case 'create':
      return { type: 'create' };
    case 'continue': {
      const { previous_message_id: id } = value;
      if (typeof id !== 'string')
        throw badRequest(`thread.previous_message_id: ${missingOr(id, 'Input should be a valid string')}`);
      if (id === '') throw badRequest('thread.previous_message_id: String should have at least 1 character');
      return { type: 'continue', previousMessageId: id };
    }
    default:
      throw badRequest(`thread.type: ${missingOr(value['type'], "Input should be 'create' or 'continue'")}`);
  }
}
