import { readContent, readRole } from '../anthropic/content.js';
import { asObject } from '../domain/json.js';

/** Whether an answer has a `compaction` block, by which the API replaces what came before it. [@anthropic-ai/sdk 1.12.0, BetaCompactionBlock] */
export function hasCompactionBlock(messages: readonly unknown[]): boolean {
  return messages.some((message) => {
    const content = readRole(message) === 'assistant' ? readContent(message) : undefined;
    return Array.isArray(content) && content.some((block: unknown) => asObject(block)['type'] === 'compaction');
  });
}
