import { readContent, readRole } from '../anthropic/content.js';
import { asObject } from '../domain/json.js';

/**
 * Finds the index of the newest answer with a `compaction` block, by which the API replaces what came before it; `undefined` if there is
 * none. [@anthropic-ai/sdk 1.12.0, BetaCompactionBlock]
 */
export function findCompactionBlock(messages: readonly unknown[]): number | undefined {
  const index = messages.findLastIndex((message) => {
    const content = readRole(message) === 'assistant' ? readContent(message) : undefined;
    return Array.isArray(content) && content.some((block: unknown) => asObject(block)['type'] === 'compaction');
  });
  return index === -1 ? undefined : index;
}
