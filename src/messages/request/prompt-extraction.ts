import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import type { ClientKind } from '../../clients/client-kind.js';
import { type AnthropicException, badRequest } from '../../anthropic/anthropic.exception.js';
import { isObject } from '../../turns/matching/conversation-key.js';
import { isMention, isReminder, keepText, withoutReminders } from '../../clients/claude-code/system-reminder.js';
import { missingOr } from '../../http/field-problems.js';
import { stripClaudeCodeMarkup } from '../../clients/claude-code/markup.js';
import { BlockReader, skipBlock, refuseBlock, textParts } from './prompt-blocks.js';

/** The API's own words for a text without anything in it, and for a message without any block. */
const NO_TEXT = 'messages: text content blocks must contain non-whitespace text';
const NO_CONTENT = 'all messages must have non-empty content except for the optional final assistant message';

/** The newest user message of a conversation, as a turn needs it. */
export interface ExtractedPrompt {
  readonly prompt: Prompt;
  /** The texts of the `system` messages that follow it, and the reminders of Claude Code in it: context, never the prompt. */
  readonly context: readonly string[];
  /** Whether the caller sent anything before it. */
  readonly hasHistory: boolean;
  /** The place of the first message that the prompt is made of. */
  readonly firstIndex: number;
}

/**
 * The prompt of a conversation: its last `user` message with those right before it, as the API takes messages of one role for one;
 * of Claude Code's what its user said and mentioned in the last one. Looks at the end of the conversation only,
 * so that a long history costs nothing.
 *
 * @throws AnthropicException (400) when there is none, it is malformed or empty, or an assistant message stands last.
 */
export function extractPrompt(messages: readonly unknown[], caller: ClientKind): ExtractedPrompt {
  const { index, content } = lastUserMessage(messages);
  const isClaudeCode = caller === 'claude-code';
  const first = isClaudeCode ? index : firstOfUserRun(messages, index);
  const prompt = isClaudeCode
    ? [...precedingMentions(messages[index - 1]), ...claudeCodePrompt(content, `messages.${index}.content`)]
    : [...precedingUserBlocks(messages, first, index), ...lastMessageBlocks(content, index)];
  if (prompt.length === 0) throw emptyMessage(content, index);
  const context = messages
    .slice(index + 1)
    .flatMap((message) => textParts(isObject(message) ? message['content'] : ''));
  const reminders = isClaudeCode ? textParts(content).filter((text) => isReminder(text) && !isMention(text)) : [];
  return { prompt, context: [...reminders, ...context], hasHistory: index > 0, firstIndex: first };
}

/** What is said of a message without a prompt. */
export function emptyMessage(content: unknown, index: number): AnthropicException {
  return badRequest(isEmptyList(content) ? `messages.${index}: ${NO_CONTENT}` : NO_TEXT);
}

function isEmptyList(content: unknown): boolean {
  return Array.isArray(content) && content.length === 0;
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
    if (!isObject(message)) throw badRequest(`messages.${index}: Input should be a valid dictionary`);
    switch (message['role']) {
      case 'system':
        break;
      case 'user':
        return { index, content: message['content'] };
      case 'assistant':
        throw badRequest('messages: the last message must be of the user; an agent cannot continue a prefilled answer');
      default:
        throw badRequest(
          `messages.${index}.role: ${missingOr(message['role'], "Input should be 'user', 'assistant' or 'system'")}`,
        );
    }
  }
  throw badRequest('messages: must hold a user message');
}

/** The place of the first of the user messages that end with this one; system messages may be between them. */
function firstOfUserRun(messages: readonly unknown[], last: number): number {
  let first = last;
  for (let index = last - 1; index >= 0; index -= 1) {
    const role = readRole(messages[index]);
    if (role === 'user') first = index;
    else if (role !== 'system') break;
  }
  return first;
}

/**
 * What the user messages from `first` on say, up to the last one. Only that one is asked to be well-formed: what no agent can be
 * given of the others is left out, as it is of every message before.
 */
function precedingUserBlocks(messages: readonly unknown[], first: number, last: number): readonly PromptBlock[] {
  const reader = new BlockReader(keepText, skipBlock);
  return messages
    .slice(first, last)
    .flatMap((message) =>
      isObject(message) && message['role'] === 'user' ? reader.blocks(message['content'], '') : [],
    )
    .filter((block) => !isBlank(block));
}

/** The blocks of the last message of an SDK. Blank texts are left out beside others, as a model's API would refuse them. */
function lastMessageBlocks(content: unknown, index: number): readonly PromptBlock[] {
  const blocks = new BlockReader(keepText, refuseBlock).blocks(content, `messages.${index}.content`);
  const said = blocks.filter((block) => !isBlank(block));
  if (said.length === 0 && !isEmptyList(content)) throw emptyMessage(content, index);
  return said;
}

function isBlank(block: PromptBlock): boolean {
  return block.type === 'text' && block.text.trim() === '';
}

function readRole(message: unknown): unknown {
  return isObject(message) ? message['role'] : undefined;
}

/** A message that is nothing but reminders and markup is what Claude Code itself has to say: that a background task ended. */
function claudeCodePrompt(content: unknown, path: string): readonly PromptBlock[] {
  const said = new BlockReader(withoutReminders, refuseBlock).blocks(stripClaudeCodeMarkup(content), path);
  const written = said.filter((block) => !isBlank(block));
  if (written.length > 0) return written;
  return new BlockReader(keepText, refuseBlock).blocks(content, path).filter((block) => !isBlank(block));
}

/** Claude Code puts the first thing that its user mentioned with `@` into a message of its own, before the user's. [2.1.330] */
function precedingMentions(message: unknown): readonly PromptBlock[] {
  if (!isObject(message) || message['role'] !== 'user') return [];
  const texts = textParts(message['content']);
  return texts.every(isMention) ? texts.map((text) => ({ type: 'text', text })) : [];
}
