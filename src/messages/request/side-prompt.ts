import type { Prompt } from '../../domain/prompt.js';
import { isJsonObject } from '../../domain/json.js';
import { keepText } from '../../domain/text-filter.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { BlockReader, refuseBlock } from './prompt-blocks.js';
import { emptyMessage, requireLastUserMessage } from './prompt-extraction.js';
import { mergeTextBlocks, renderSeed } from '../../domain/render-seed.js';
import { buildSeed, textBlock } from './seed-builder.js';

const BEFORE = 'The conversation so far, with you as its assistant:\n\n<conversation>\n';
const AFTER = '</conversation>\n\nThis is what you are to answer now:';

/**
 * Makes the prompt of a side request. Its agent has no record of the conversation, so the prompt has all of it: a transcript, followed
 * by the last user message with the client's own additions, which may be the question. A single message is the prompt itself.
 *
 * @throws AnthropicException (400) as for any request.
 */
export function toSidePrompt(messages: readonly unknown[], client: ClientProfile): Prompt {
  const { index, content } = requireLastUserMessage(messages);
  const { results, question: asked } = splitResults(content);
  const conversation = [...messages.slice(0, index), { role: 'user', content: results }];
  const transcript = renderSeed(buildSeed(conversation, client.filterText, Infinity));
  const path = `messages.${index}.content`;
  // The message may also contain an unanswered prompt, or commands of the caller's machine.
  const reader = new BlockReader(keepText, refuseBlock);
  const stripped = reader.blocks(client.stripMarkup(asked), path);
  const question = stripped.length > 0 ? stripped : reader.blocks(asked, path);
  if (question.length === 0) throw emptyMessage(content, index);
  if (transcript.length === 0) return question;
  return [...mergeTextBlocks([textBlock(BEFORE), ...transcript, textBlock(AFTER)]), ...question];
}

/** Splits tool results, which end the conversation, from the question after them. Without a question, the results are the question. */
function splitResults(content: unknown): { readonly results: readonly unknown[]; readonly question: unknown } {
  if (!Array.isArray(content)) return { results: [], question: content };
  const end = content.findIndex((block: unknown) => !isJsonObject(block) || block['type'] !== 'tool_result');
  return end === -1
    ? { results: [], question: content }
    : { results: content.slice(0, end), question: content.slice(end) };
}
