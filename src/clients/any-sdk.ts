import { findCompactionBlock } from './compaction-block.js';
import { readContent, readRole, readTexts } from '../anthropic/content.js';
import { hasInterruptMarker } from './claude-code/interruption.js';
import { findSession, findUser } from './claude-code/session-id.js';
import type { ClientProfile, PromptContext } from './client-profile.js';
import { joinSystemBlocks } from './system-blocks.js';
import { keepText } from '../domain/text-filter.js';

/** Any client of the Messages API: every request is a turn, and every text is the user's. */
export const anySdkProfile: ClientProfile = {
  kind: 'sdk',
  isSender: () => true,

  sendsWholeConversation: false,
  countsRetries: true,
  hasHardTimeout: false,
  needsFinalText: false,
  answerTool: undefined,
  lendsTools: true,
  offersTool: () => true,

  // Covers Claude Code behind a proxy that hides it: its user still gets one thread per session.
  findSession,
  findUser,
  isSideRequest: () => false,
  sideAnswer: () => undefined,
  toolBlocks: () => 'mcp',

  filterText: keepText,
  stripMarkup: (content) => content,
  stripRecovery: (messages) => ({ messages, partialAnswer: undefined }),
  // Also for Claude Code behind a proxy: Escape must still stop the agent.
  wasInterrupted: hasInterruptMarker,
  findSummary: findCompactionBlock,
  promptContext,

  systemPrompt: joinSystemBlocks,
  sideSystemPrompt: joinSystemBlocks,
};

/**
 * The API merges consecutive messages of one role, so the user messages right before the newest one are part of the prompt. `system`
 * messages after it are for the agent.
 */
function promptContext(messages: readonly unknown[], index: number): PromptContext {
  const firstIndex = findStartOfUserRun(messages, index);
  const note = messages
    .slice(index + 1)
    .flatMap((message) => readTexts(readContent(message)))
    .join('\n');
  return {
    firstIndex,
    before: messages
      .slice(firstIndex, index)
      .filter((message) => readRole(message) === 'user')
      .map(readContent),
    note: note === '' ? undefined : note,
  };
}

/** Returns the index of the first of the consecutive user messages up to this one; system messages may be between them. */
function findStartOfUserRun(messages: readonly unknown[], last: number): number {
  let first = last;
  for (let index = last - 1; index >= 0; index -= 1) {
    const role = readRole(messages[index]);
    if (role === 'user') first = index;
    else if (role !== 'system') break;
  }
  return first;
}
