import { badRequest } from '../translator/anthropic.exception.js';
import { isObject } from '../turns/canonical.js';

/** The `thread` field of a request: the body holds the whole conversation, or only what is new after a message. */
export type ThreadField =
  { readonly type: 'create' } | { readonly type: 'continue'; readonly previousMessageId: string };

/**
 * Reads the `thread` field of Message Threads (beta `message-threads-2026-08-12`); `undefined` when a request has none. The beta
 * header is not asked for: without it the field means the same. [@anthropic-ai/sdk 1.12.0, Claude Code 2.1.330]
 *
 * @throws AnthropicException (400) for another type, or a `continue` without its message.
 */
export function threadField(value: unknown): ThreadField | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) throw badRequest('thread: must be an object');
  switch (value['type']) {
    case 'create':
      return { type: 'create' };
    case 'continue': {
      const { previous_message_id: id } = value;
      if (typeof id !== 'string' || id === '') throw badRequest('thread.previous_message_id: must be a message id');
      return { type: 'continue', previousMessageId: id };
    }
    default:
      throw badRequest('thread.type: must be "create" or "continue"');
  }
}
