import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import { hasCompactionBlock } from '../compaction-block.js';

/**
 * Prefix of the user message with which a conversation begins after `/compact`, or after Claude Code has compacted it by itself. The summary
 * follows in the same text, and after it the messages that were kept. [Claude Code 2.1.330, see `__fixtures__`]
 */
const SUMMARY_PREFIX = 'This session is being continued from a previous conversation';

/** Whether Claude Code replaced the oldest messages of a conversation by a summary. */
export function isCompacted(messages: readonly unknown[]): boolean {
  const first = messages.find((message) => readRole(message) === 'user');
  const texts = readTexts(readContent(first));
  return texts.some((text) => text.startsWith(SUMMARY_PREFIX)) || hasCompactionBlock(messages);
}
