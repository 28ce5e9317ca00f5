import { readContent, readRole, readTexts } from '../../anthropic/content.js';
import { findCompactionBlock } from '../compaction-block.js';

/**
 * Prefix of the text of the user by which Claude Code replaces messages: after `/compact` and after it compacted by itself at the start of
 * the conversation, after "Summarize up to here" before the prompt from which on messages were kept, after "Summarize from here"
 * before the next prompt. [Claude Code 2.1.330, seen; see `__fixtures__`]
 */
const SUMMARY_PREFIX = 'This session is being continued from a previous conversation';

/** Finds the index of the message with Claude Code's newest summary; `undefined` if it has compacted nothing. */
export function findSummary(messages: readonly unknown[]): number | undefined {
  const index = messages.findLastIndex(
    (message) =>
      readRole(message) === 'user' && readTexts(readContent(message)).some((text) => text.startsWith(SUMMARY_PREFIX)),
  );
  return index === -1 ? findCompactionBlock(messages) : index;
}
