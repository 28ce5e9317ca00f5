import type { Prompt, PromptBlock, PromptSource } from '../harness/prompt.js';
import { badRequest } from '../translator/anthropic.exception.js';
import { isObject } from '../turns/canonical.js';
import { withoutReminders } from '../turns/system-reminder.js';

/** The newest user message of a conversation, as a turn needs it. */
export interface NewestMessage {
  readonly prompt: Prompt;
  /** The texts of the `system` messages that follow it: context, never the prompt. */
  readonly context: readonly string[];
  /** Whether the caller sent anything before it. */
  readonly hasHistory: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The prompt of a conversation: its last `user` message, without reminders. Looks at the end of the conversation only, so
 * that a long history costs nothing.
 *
 * @throws AnthropicException (400) when there is none, it is malformed or empty, or an assistant message stands last.
 */
export function newestMessage(messages: readonly unknown[]): NewestMessage {
  const context: string[] = [];
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (!isObject(message)) throw badRequest(`messages.${index}: must be an object`);
    switch (message['role']) {
      case 'system':
        context.unshift(...textsOf(message['content']));
        break;
      case 'user': {
        const prompt = promptBlocks(message['content'], `messages.${index}.content`);
        if (prompt.length === 0) throw badRequest(`messages.${index}: the last user message has no content to answer`);
        return { prompt, context, hasHistory: index > 0 };
      }
      case 'assistant':
        throw badRequest('messages: the last message must be of the user; an agent cannot continue a prefilled answer');
      default:
        throw badRequest(`messages.${index}.role: must be "user", "assistant" or "system"`);
    }
  }
  throw badRequest('messages: must hold a user message');
}

/** The texts of a content: a string is one, of blocks those with text. Never throws. */
export function textsOf(content: unknown): readonly string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((block: unknown) =>
    isObject(block) && typeof block['text'] === 'string' ? [block['text']] : [],
  );
}

function promptBlocks(content: unknown, path: string): readonly PromptBlock[] {
  if (typeof content === 'string') return textBlock(content);
  if (!Array.isArray(content)) throw badRequest(`${path}: must be a string or a list of blocks`);
  return content.flatMap((block: unknown, index) => promptBlock(block, `${path}.${index}`));
}

function promptBlock(block: unknown, path: string): readonly PromptBlock[] {
  if (!isObject(block)) throw badRequest(`${path}: must be an object`);
  switch (block['type']) {
    case 'text':
      return textBlock(stringOf(block['text'], `${path}.text`));
    case 'image':
      return [{ type: 'image', source: sourceOf(block['source'], `${path}.source`) }];
    case 'document':
      return [documentOf(block, path)];
    case 'search_result':
      return textBlock([stringOf(block['title'], `${path}.title`), ...textsOf(block['content'])].join('\n'));
    case 'tool_result':
      // No tool is ever left to the caller, so a result can only be of a call that it made by itself: the agent reads it.
      return textBlock(
        `[result of the caller's tool call ${String(block['tool_use_id'])}]\n${textsOf(block['content']).join('\n')}`,
      );
    default:
      throw badRequest(`${path}.type: is not a kind of content that this server can hand to an agent`);
  }
}

function textBlock(text: string): readonly PromptBlock[] {
  const kept = withoutReminders(text);
  return kept === '' ? [] : [{ type: 'text', text: kept }];
}

function documentOf(block: Fields, path: string): PromptBlock {
  const { source, title, context } = block;
  const names = {
    ...(typeof title === 'string' ? { title } : {}),
    ...(typeof context === 'string' ? { context } : {}),
  };
  if (isObject(source) && source['type'] === 'content') {
    const data = textsOf(source['content']).join('\n');
    return { type: 'document', source: { type: 'text', media_type: 'text/plain', data }, ...names };
  }
  return { type: 'document', source: sourceOf(source, `${path}.source`), ...names };
}

function sourceOf(source: unknown, path: string): PromptSource {
  if (!isObject(source)) throw badRequest(`${path}: must be an object`);
  switch (source['type']) {
    case 'base64':
    case 'text':
      return {
        type: source['type'],
        media_type: stringOf(source['media_type'], `${path}.media_type`),
        data: stringOf(source['data'], `${path}.data`),
      };
    case 'url':
      return { type: 'url', url: stringOf(source['url'], `${path}.url`) };
    default:
      throw badRequest(`${path}.type: must be "base64", "url" or "text"`);
  }
}

function stringOf(value: unknown, path: string): string {
  if (typeof value !== 'string') throw badRequest(`${path}: must be a string`);
  return value;
}
