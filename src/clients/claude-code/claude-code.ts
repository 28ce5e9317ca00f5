import type { ClientProfile, HeaderReader } from '../client-profile.js';
import { findSummary } from './compaction.js';
import { hasInterruptMarker } from './interruption.js';
import { stripMarkup } from './markup.js';
import { readPromptContext } from './prompt.js';
import { findSession, findUser } from './session-id.js';
import { isSideRequest } from './side-request.js';
import { stripRecoveryMessages } from './stream-recovery.js';
import { STRUCTURED_OUTPUT_TOOL } from './structured-output-tool.js';
import { addressedSystemPrompt, toSideSystemPrompt } from './system-prompt.js';
import { withoutReminders } from './system-reminder.js';
import { callsFromTerminal } from './terminal.js';
import { answerTitle } from './title.js';

const OWN_TOOLS: ReadonlySet<string> = new Set(['Agent', 'Task', 'TaskOutput', 'TaskStop', STRUCTURED_OUTPUT_TOOL]);

/** Claude Code, in a terminal, with `-p` or under an Agent SDK. The facts about it are in the files of this folder. */
export const claudeCodeProfile: ClientProfile = {
  kind: 'claude-code',
  isSender,

  sendsWholeConversation: true,
  // It sends 0 with each of its own retries. [Claude Code 2.1.330]
  countsRetries: false,
  hasHardTimeout: true,
  needsFinalText: true,
  answerTool: STRUCTURED_OUTPUT_TOOL,
  // They mirror the agent's own and act on its user's machine.
  lendsTools: false,
  offersTool,

  findSession,
  findUser,
  isSideRequest,
  sideAnswer: answerTitle,
  // A terminal does not show MCP blocks, so its user would only see a spinner while the agent works. Everywhere else, including
  // `claude -p` and the Agent SDK, the last text of an answer is its result and must not contain tools. Claude Code itself reads the
  // answers to side requests. [Claude Code 2.1.330, 2.1.197]
  toolBlocks: (request, isSide) => (!isSide && callsFromTerminal(request) ? 'text' : 'mcp'),

  filterText: withoutReminders,
  stripMarkup,
  stripRecovery: stripRecoveryMessages,
  wasInterrupted: hasInterruptMarker,
  findSummary,
  promptContext: readPromptContext,

  systemPrompt: addressedSystemPrompt,
  sideSystemPrompt: toSideSystemPrompt,
};

/**
 * Tools that only its own loop can use: sub-agents, whose requests would be side requests, and the list of its background work. The
 * agent has its own. [Claude Code 2.1.330]
 */
function offersTool(name: string): boolean {
  return !OWN_TOOLS.has(name);
}

/** `user-agent: claude-cli/2.1.330 (external, sdk-cli)`, and `x-app: cli` or `cli-bg`. A proxy may strip either. [Claude Code 2.1.330] */
function isSender(header: HeaderReader): boolean {
  return header('user-agent')?.startsWith('claude-cli/') === true || header('x-app')?.startsWith('cli') === true;
}
