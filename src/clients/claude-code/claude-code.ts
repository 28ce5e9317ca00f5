import type { ClientProfile, HeaderReader } from '../client-profile.js';
import { hasInterruptMarker } from './interruption.js';
import { stripMarkup } from './markup.js';
import { promptContext } from './prompt.js';
import { findSession } from './session-id.js';
import { isSideRequest } from './side-request.js';
import { stripRecoveryMessages } from './stream-recovery.js';
import { STRUCTURED_OUTPUT_TOOL } from './structured-output-tool.js';
import { addressedSystemPrompt, sideSystemPrompt } from './system-prompt.js';
import { withoutReminders } from './system-reminder.js';
import { callsFromTerminal } from './terminal.js';
import { titleAnswer } from './title.js';

/** Claude Code, in a terminal, with `-p` or under an Agent SDK. Each fact about it is in a file of this folder. */
export const claudeCodeProfile: ClientProfile = {
  kind: 'claude-code',
  isSender,

  sendsWholeConversation: true,
  // It sends 0 with each of its own retries. [Claude Code 2.1.330]
  countsRetries: false,
  hasHardTimeout: true,
  needsFinalText: true,
  answerTool: STRUCTURED_OUTPUT_TOOL,

  findSession,
  isSideRequest,
  sideAnswer: titleAnswer,
  // A terminal shows nothing of MCP blocks, so its user would look at a spinner for as long as the agent works. Everywhere else,
  // `claude -p` and the Agent SDK included, the last text of an answer is its result, and text about tools would be part of it. A side
  // request's answer is read by the program itself. [Claude Code 2.1.330, 2.1.197]
  toolBlocks: (request, isSide) => (!isSide && callsFromTerminal(request) ? 'text' : 'mcp'),

  filterText: withoutReminders,
  stripMarkup,
  stripRecovery: stripRecoveryMessages,
  wasInterrupted: hasInterruptMarker,
  promptContext,

  systemPrompt: addressedSystemPrompt,
  sideSystemPrompt,
};

/** `user-agent: claude-cli/2.1.330 (external, sdk-cli)`, and `x-app: cli` or `cli-bg`. A proxy may strip either. [Claude Code 2.1.330] */
function isSender(header: HeaderReader): boolean {
  return header('user-agent')?.startsWith('claude-cli/') === true || header('x-app')?.startsWith('cli') === true;
}
