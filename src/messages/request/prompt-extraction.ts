import { isJsonObject } from '../../domain/json.js';
import type { Prompt, PromptBlock } from '../../domain/prompt.js';
import { keepText, type TextFilter } from '../../domain/text-filter.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { type AnthropicException, badRequest } from '../../anthropic/anthropic.exception.js';
import { missingOr } from '../../http/field-problems.js';
import type { GivenResults } from '../../turns/matching/caller-results.js';
import { BlockReader, skipBlock, refuseBlock } from './prompt-blocks.js';
import { readToolResults, withoutToolResults } from './tools/tool-results.js';

/** The API's own texts for a blank text and for a message without blocks. */
const NO_TEXT = 'messages: text content blocks must contain non-whitespace text';
const NO_CONTENT = 'all messages must have non-empty content except for the optional final assistant message';

/** The prompt of a turn, from the newest user message. */
export interface ExtractedPrompt {
  /** The whole message. Results of tools are texts that name their calls. */
  readonly prompt: Prompt;
  /** The results of the caller's tools in the message, for an agent that waits for them; `undefined` for none. */
  readonly toolResults: GivenResults | undefined;
  /** Whether the caller sent earlier messages. */
  readonly hasHistory: boolean;
  /** The index of the first message of the prompt. */
  readonly firstIndex: number;
}

/**
 * Extracts the prompt of a conversation: its last `user` message, with the context that the client's profile adds. Reads only the end
 * of the conversation, so that a long history costs nothing.
 *
 * @throws AnthropicException (400) if there is none, it is malformed or empty, or the last message is an assistant's.
 */
export function extractPrompt(messages: readonly unknown[], client: ClientProfile): ExtractedPrompt {
  const { index, content } = requireLastUserMessage(messages);
  const { firstIndex, before, note } = client.promptContext(messages, index);
  const prompt = [...readEarlier(before), ...readNewest(content, index, client)];
  if (prompt.length === 0) throw emptyMessage(content, index);
  const notes = note === undefined ? [] : [reminder(note)];
  const results = [
    ...before.flatMap((part) => readToolResults(part, 'messages', client.filterText)),
    ...readToolResults(content, `messages.${index}.content`, client.filterText),
  ];
  const extracted = { prompt: [...notes, ...prompt], hasHistory: index > 0, firstIndex };
  if (results.length === 0) return { ...extracted, toolResults: undefined };
  const beside = [
    ...readEarlier(before.map(withoutToolResults)),
    ...readWritten(withoutToolResults(content), `messages.${index}.content`, client),
  ];
  return {
    ...extracted,
    toolResults: { results, promptBeside: beside.length === 0 ? [] : [...notes, ...beside] },
  };
}

/** Reads the contents of earlier messages that are part of the prompt. */
function readEarlier(contents: readonly unknown[]): readonly PromptBlock[] {
  const reader = new BlockReader(keepText, skipBlock);
  return contents.flatMap((content) => reader.blocks(content, '')).filter((block) => !isBlank(block));
}

/** Makes a system reminder with a note for the agent. */
function reminder(note: string): PromptBlock {
  return { type: 'text', text: `<system-reminder>\n${note}\n</system-reminder>` };
}

/**
 * Reads the blocks of the newest message without blank texts, which a model's API would refuse. If only the client's own additions
 * remain, they are the prompt, as when a background task has ended.
 */
function readNewest(content: unknown, index: number, client: ClientProfile): readonly PromptBlock[] {
  const path = `messages.${index}.content`;
  const written = readWritten(content, path, client);
  const blocks = written.length > 0 ? written : readBlocks(keepText, content, path);
  if (blocks.length === 0 && !isEmptyList(content)) throw emptyMessage(content, index);
  return blocks;
}

/** Reads what the user wrote, without the client's own additions. */
function readWritten(content: unknown, path: string, client: ClientProfile): readonly PromptBlock[] {
  return readBlocks(client.filterText, client.stripMarkup(content), path);
}

function readBlocks(filter: TextFilter, content: unknown, path: string): readonly PromptBlock[] {
  return new BlockReader(filter, refuseBlock).blocks(content, path).filter((block) => !isBlank(block));
}

function isBlank(block: PromptBlock): boolean {
  return block.type === 'text' && block.text.trim() === '';
}

/** Makes the error for a message without a prompt. */
export function emptyMessage(content: unknown, index: number): AnthropicException {
  return badRequest(isEmptyList(content) ? `messages.${index}: ${NO_CONTENT}` : NO_TEXT);
}

function isEmptyList(content: unknown): boolean {
  return Array.isArray(content) && content.length === 0;
}

/** The last user message of a conversation and its index; only `system` messages may follow it. */
export interface LastUserMessage {
  readonly index: number;
  readonly content: unknown;
}

/** Finds the last user message. @throws AnthropicException (400) if there is none, or another message than `system` follows it. */
export function requireLastUserMessage(messages: readonly unknown[]): LastUserMessage {
  for (let index = messages.length - 1; index >= 0; index -= 1) {
    const message = messages[index];
    if (!isJsonObject(message)) throw badRequest(`messages.${index}: Input should be a valid dictionary`);
    switch (message['role']) {
      case 'system':
        break;
      case 'user':
        return { index, content: message['content'] };
      case 'assistant':
        throw badRequest('messages: the last message must have role "user"; assistant prefill is not supported');
      default:
        throw badRequest(
          `messages.${index}.role: ${missingOr(message['role'], "Input should be 'user', 'assistant' or 'system'")}`,
        );
    }
  }
  throw badRequest('messages: at least one user message is required');
}
