import type { CallerToolResult } from '../../../domain/caller-tool.js';
import type { JsonObject } from '../../../domain/harness-event.js';
import { asString, isJsonObject } from '../../../domain/json.js';
import { readContent, readRole } from '../../../anthropic/content.js';
import type { TextFilter } from '../../../domain/text-filter.js';
import { BlockReader, refuseBlock } from '../prompt-blocks.js';

/**
 * Reads the results of the caller's tools in the content of a user message.
 *
 * @param filter removes what the client adds to the texts.
 * @throws AnthropicException (400) for a malformed result.
 */
export function readToolResults(content: unknown, path: string, filter: TextFilter): readonly CallerToolResult[] {
  if (!Array.isArray(content)) return [];
  const reader = new BlockReader(filter, refuseBlock);
  return content.flatMap((block: unknown, index) => {
    if (!isToolResult(block)) return [];
    return [
      {
        // A result without an id answers no call: it is refused like one with an unknown id.
        callId: asString(block['tool_use_id']) ?? '',
        content: reader.resultBlocks(block['content'], `${path}.${index}.content`),
        isError: block['is_error'] === true,
      },
    ];
  });
}

/** Removes the results of tools from the content of a user message. */
export function withoutToolResults(content: unknown): unknown {
  return Array.isArray(content) ? content.filter((block: unknown) => !isToolResult(block)) : content;
}

function isToolResult(block: unknown): block is JsonObject {
  return isJsonObject(block) && block['type'] === 'tool_result';
}

/** Returns the user messages from this index on with the results of tools only: those belong to the conversation before the prompt. */
export function onlyToolResults(messages: readonly unknown[], from: number): readonly unknown[] {
  return messages.slice(from).flatMap((message) => {
    const content = readContent(message);
    if (readRole(message) !== 'user' || !Array.isArray(content)) return [];
    return [{ role: 'user', content: content.filter((block: unknown) => isToolResult(block)) }];
  });
}
