import type { Prompt, PromptBlock, PromptSource } from '../harness/prompt.js';
import type { Caller } from '../threads/caller.js';
import { badRequest } from '../translator/anthropic.exception.js';
import { isObject } from '../turns/canonical.js';
import { isMention, isReminder, withoutReminders } from '../turns/system-reminder.js';
import { withoutMarkup } from './caller-markup.js';

/** The newest user message of a conversation, as a turn needs it. */
export interface NewestMessage {
  readonly prompt: Prompt;
  /** The texts of the `system` messages that follow it, and the reminders of Claude Code in it: context, never the prompt. */
  readonly context: readonly string[];
  /** Whether the caller sent anything before it. */
  readonly hasHistory: boolean;
  /** The place of the first message that the prompt is made of. */
  readonly first: number;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The prompt of a conversation: its last `user` message with those right before it, as the API takes messages of one role for one,
 * without reminders; of Claude Code's what its user said and mentioned in the last one. Looks at the end of the conversation only,
 * so that a long history costs nothing.
 *
 * @throws AnthropicException (400) when there is none, it is malformed or empty, or an assistant message stands last.
 */
export function newestMessage(messages: readonly unknown[], caller: Caller): NewestMessage {
  const { index, content } = lastUserMessage(messages);
  const path = `messages.${index}.content`;
  const first = caller === 'claude-code' ? index : firstOfRun(messages, index);
  const prompt =
    caller === 'claude-code'
      ? [...mentionedBefore(messages[index - 1]), ...claudeCodePrompt(content, path)]
      : [...saidBefore(messages, first, index), ...promptBlocks(content, path, withoutReminders)];
  if (prompt.length === 0) throw badRequest(`messages.${index}: the last user message has no content to answer`);
  const context = messages.slice(index + 1).flatMap((message) => textsOf(isObject(message) ? message['content'] : ''));
  const reminders =
    caller === 'claude-code' ? textsOf(content).filter((text) => isReminder(text) && !isMention(text)) : [];
  return { prompt, context: [...reminders, ...context], hasHistory: index > 0, first };
}

/** The last user message of a conversation and its place; only `system` messages may follow it. */
export interface LastUserMessage {
  readonly index: number;
  readonly content: unknown;
}

/** @throws AnthropicException (400) when there is none, or anything else than `system` messages follows it. */
export function lastUserMessage(messages: readonly unknown[]): LastUserMessage {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (!isObject(message)) throw badRequest(`messages.${index}: must be an object`);
    switch (message['role']) {
      case 'system':
        break;
      case 'user':
        return { index, content: message['content'] };
      case 'assistant':
        throw badRequest('messages: the last message must be of the user; an agent cannot continue a prefilled answer');
      default:
        throw badRequest(`messages.${index}.role: must be "user", "assistant" or "system"`);
    }
  }
  throw badRequest('messages: must hold a user message');
}

/** The place of the first of the user messages that end with this one; system messages may be between them. */
function firstOfRun(messages: readonly unknown[], last: number): number {
  let first = last;
  for (let index = last - 1; index >= 0; index -= 1) {
    const role = roleOf(messages[index]);
    if (role === 'user') first = index;
    else if (role !== 'system') break;
  }
  return first;
}

/**
 * What the user messages from `first` on say, up to the last one. Only that one is asked to be well-formed: what no agent can be
 * given of the others is left out, as it is of every message before.
 */
function saidBefore(messages: readonly unknown[], first: number, last: number): readonly PromptBlock[] {
  return messages.slice(first, last).flatMap((message) => {
    const content = isObject(message) && message['role'] === 'user' ? message['content'] : undefined;
    if (typeof content === 'string') return textBlock(withoutReminders(content));
    if (!Array.isArray(content)) return [];
    return content.flatMap((block: unknown) => {
      if (isObject(block) && block['type'] === 'image' && isShowable(block['source']))
        return promptBlocks([block], '', verbatim);
      return textsOf([block]).flatMap((text) => textBlock(withoutReminders(text)));
    });
  });
}

/** Whether the bytes of an image or a document are there, or where they are. */
export function isShowable(source: unknown): boolean {
  if (!isObject(source)) return false;
  const { type, data, media_type: mediaType, url } = source;
  if (type === 'url') return typeof url === 'string';
  return (type === 'base64' || type === 'text') && typeof data === 'string' && typeof mediaType === 'string';
}

function roleOf(message: unknown): unknown {
  return isObject(message) ? message['role'] : undefined;
}

/** A message that is nothing but reminders and markup is what Claude Code itself has to say: that a background task ended. */
function claudeCodePrompt(content: unknown, path: string): readonly PromptBlock[] {
  const said = promptBlocks(withoutMarkup(content), path, withoutReminders);
  return said.length > 0 ? said : promptBlocks(content, path, verbatim);
}

/** Claude Code puts the first thing that its user mentioned with `@` into a message of its own, before the user's. [2.1.330] */
function mentionedBefore(message: unknown): readonly PromptBlock[] {
  if (!isObject(message) || message['role'] !== 'user') return [];
  const texts = textsOf(message['content']);
  return texts.every(isMention) ? texts.map((text) => ({ type: 'text', text })) : [];
}

/** The texts of a content: a string is one, of blocks those with text. Never throws. */
export function textsOf(content: unknown): readonly string[] {
  if (typeof content === 'string') return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((block: unknown) =>
    isObject(block) && typeof block['text'] === 'string' ? [block['text']] : [],
  );
}

/** What is taken of a text of the caller. */
export type Reading = (text: string) => string;

/** Takes a text as it is. */
export const verbatim: Reading = (text) => text;

/**
 * The content of a user message as blocks of a prompt; those without a text left are dropped.
 *
 * @throws AnthropicException (400) that names what is malformed, or what no agent can be given.
 */
export function promptBlocks(content: unknown, path: string, read: Reading): readonly PromptBlock[] {
  if (typeof content === 'string') return textBlock(read(content));
  if (!Array.isArray(content)) throw badRequest(`${path}: must be a string or a list of blocks`);
  return content.flatMap((block: unknown, index) => promptBlock(block, `${path}.${index}`, read));
}

function promptBlock(block: unknown, path: string, read: Reading): readonly PromptBlock[] {
  if (!isObject(block)) throw badRequest(`${path}: must be an object`);
  switch (block['type']) {
    case 'text':
      return textBlock(read(stringOf(block['text'], `${path}.text`)));
    case 'image':
      return [{ type: 'image', source: sourceOf(block['source'], `${path}.source`) }];
    case 'document':
      return [documentOf(block, path)];
    case 'search_result':
      return textBlock(read([stringOf(block['title'], `${path}.title`), ...textsOf(block['content'])].join('\n')));
    case 'tool_result':
      // No tool is ever left to the caller, so a result can only be of a call that it made by itself: the agent reads it.
      return textBlock(
        read(
          `[result of the caller's tool call ${callName(block['tool_use_id'])}]\n${textsOf(block['content']).join('\n')}`,
        ),
      );
    default:
      throw badRequest(`${path}.type: is not a kind of content that this server can hand to an agent`);
  }
}

function callName(id: unknown): string {
  return typeof id === 'string' ? id : 'without an id';
}

function textBlock(text: string): readonly PromptBlock[] {
  return text === '' ? [] : [{ type: 'text', text }];
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
