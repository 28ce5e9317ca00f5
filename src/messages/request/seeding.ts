import { readContent, readRole } from '../../anthropic/content.js';
import type { ClientProfile } from '../../clients/client-profile.js';
import { asObject, isJsonObject } from '../../domain/json.js';
import type { Prompt } from '../../domain/prompt.js';
import type { Seeding } from '../../turns/turn-request.js';
import { BlockReader, skipBlock } from './prompt-blocks.js';
import { extractPrompt } from './prompt-extraction.js';
import { buildSeed, textBlock } from './seed-builder.js';

/** The prompt when the newest message has only results of calls, which are in the seed. */
const GO_ON = 'Go on with the results of these calls.';

/**
 * Makes the seed of the messages from `start` to the newest prompt, which begins at `end`, and the prompt that follows the seed. Results
 * of the last answer's calls are in the seed, as pairs must not be split; the rest of the newest message is the prompt.
 *
 * @param prompt the prompt with all blocks of the newest message.
 */
export function toSeeding(
  messages: readonly unknown[],
  { start, end }: { readonly start: number; readonly end: number },
  client: ClientProfile,
  prompt: Prompt,
): Seeding {
  const calls = findLastCalls(messages.slice(start, end));
  const isAnswer = (block: unknown): boolean => {
    const { type, tool_use_id: id } = asObject(block);
    return type === 'tool_result' && typeof id === 'string' && calls.has(id);
  };
  const newest = messages.slice(end);
  const results = newest.flatMap((message) => readBlocks(message).filter(isAnswer));
  if (results.length === 0) return { seed: buildSeed(messages.slice(start, end), client.filterText), prompt };
  const rest = newest.map((message) => withoutBlocks(message, isAnswer));
  return {
    seed: buildSeed([...messages.slice(start, end), { role: 'user', content: results }], client.filterText),
    prompt: rest.some((message) => hasText(message, client))
      ? extractPrompt([...messages.slice(0, end), ...rest], client).prompt
      : [textBlock(GO_ON)],
  };
}

/** Finds the ids of the calls that the last message, which is the assistant's, made of the caller's tools. */
function findLastCalls(messages: readonly unknown[]): ReadonlySet<unknown> {
  const last = messages.findLast((message) => readRole(message) !== 'system');
  if (readRole(last) !== 'assistant') return new Set();
  return new Set(
    readBlocks(last)
      .map(asObject)
      .filter(({ type }) => type === 'tool_use')
      .map(({ id }) => id),
  );
}

function readBlocks(message: unknown): readonly unknown[] {
  const content = readContent(message);
  return Array.isArray(content) ? content : [];
}

function withoutBlocks(message: unknown, isRemoved: (block: unknown) => boolean): unknown {
  if (!isJsonObject(message) || !Array.isArray(message['content'])) return message;
  return { ...message, content: readBlocks(message).filter((block) => !isRemoved(block)) };
}

/** Whether a user message has something that its user wrote. */
function hasText(message: unknown, client: ClientProfile): boolean {
  if (readRole(message) !== 'user') return false;
  const written = client.stripMarkup(readContent(message));
  const blocks = new BlockReader(client.filterText, skipBlock).blocks(written, '');
  return blocks.some((block) => block.type !== 'text' || block.text.trim() !== '');
}
