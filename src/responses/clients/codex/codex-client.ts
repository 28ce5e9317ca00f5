import type { HeaderReader } from '../../../clients/client-profile.js';
import type { InputEntry } from '../../request/read-input.js';
import { findItemTurn } from '../../wire/response-ids.js';
import type { ResponsesClient } from '../responses-client.js';
import {
  divideUserMessages,
  isAbortMark,
  isCompactionSummary,
  withoutCodexMarkup,
  withoutOwnInstructions,
} from './markup.js';
import { answerCodexSideRequest } from './side-answer.js';
import { readCodexMetadata } from './turn-metadata.js';

/** Codex CLI: `codex exec`, its terminal, and clients of its app-server. The facts about it are in the files of this folder. */
export const codexClient: ResponsesClient = {
  kind: 'codex',
  isSender: (header) =>
    header('x-codex-turn-metadata') !== undefined ||
    isCodexName(header, 'originator') ||
    isCodexName(header, 'user-agent'),
  sendsWholeConversation: true,
  countsRetries: false,
  // They mirror the agent's own and act on its user's machine.
  lendsTools: false,
  // They are the prompt of Codex's own agent, and describe its user's machine.
  hasInstructions: false,
  // It asks 30 times after a 5xx, and six times after most of the others. [Codex 0.169.0]
  needsFailuresInStream: true,
  // It runs no `mcp_call` and shows none, so its user sees a line for each. [Codex 0.169.0]
  view: { toolForm: 'both', usageOf: 'last-call', endsCancelled: false },

  findSession: (call) => {
    const { threadId } = readCodexMetadata(call);
    return threadId === undefined ? undefined : { id: threadId, namespace: 'codex', field: 'thread-id' };
  },
  findTurnId: (call) => readCodexMetadata(call).turnId,
  findMaker: (call) => readCodexMetadata(call).threadId,
  sideAnswer: answerCodexSideRequest,
  filterText: withoutCodexMarkup,
  arrange: (entries) => divideUserMessages(withoutOwnInstructions(withoutReceived(entries))),
  wasInterrupted,
  findSummary: (entries) => {
    const index = entries.findLastIndex(({ role, blocks, index: at }) =>
      role === 'assistant' ? isCompactionSummary({ role: 'user', blocks, id: undefined, index: at }) : false,
    );
    return index === -1 ? undefined : index;
  },
};

function isCodexName(header: HeaderReader, name: string): boolean {
  return /^codex\b|^codex_/i.test(header(name) ?? '');
}

/** After a broken connection, the input ends with those items of the answer that had arrived whole. [codex-retry-after-cut.jsonl] */
function withoutReceived(entries: readonly InputEntry[]): readonly InputEntry[] {
  const end = entries.findLastIndex(
    (entry) => entry.role !== 'assistant' || entry.id === undefined || findItemTurn(entry.id) === undefined,
  );
  return entries.slice(0, end + 1);
}

/** Escape closes the connection and says nothing; the next prompt follows a mark. [codex-tui-interrupt-and-steer.jsonl] */
function wasInterrupted(entries: readonly InputEntry[]): boolean {
  const lastAnswer = entries.findLastIndex(({ role }) => role === 'assistant');
  return entries.slice(lastAnswer + 1).some(isAbortMark);
}
