import type { HarnessEvent } from '../../../domain/harness-event.js';
import type { HarnessTurn } from '../../../harness/harness.js';
import type { CallerToolStore } from '../../../storage/stores/caller-tool.store.js';
import type { Turn } from '../../../storage/stores/turn.js';
import { isSideThread, type Thread } from '../../../storage/stores/thread.store.js';
import type { TurnMcpServers } from './turn-mcp-servers.js';
import { completeResults } from '../../matching/caller-results.js';
import { readGivenResults, readToolSetId } from './stored-request.js';

/** What a turn's caller lends and returns to the agent. */
export type CallerInput = Pick<HarnessTurn, 'callerTools' | 'toolResults' | 'loadCallEvents' | 'mcpServers'>;

/**
 * Loads the tools and MCP servers that the turn's agent can use, and the results of the calls that it answers. Reads the store only for a
 * turn that has any. `loadEvents` reads the log of an ended turn. Rejects when the store cannot be reached.
 */
export async function loadCallerInput(
  store: CallerToolStore,
  servers: TurnMcpServers,
  turn: Turn,
  thread: Thread,
  loadEvents: (turnId: string) => Promise<readonly HarnessEvent[]>,
): Promise<CallerInput> {
  const mcpServers = isSideThread(thread) ? [] : servers.ofTurn(turn, thread);
  const toolSetId = readToolSetId(turn);
  const callerTools = toolSetId === undefined ? undefined : await store.toolSet(turn.threadId, toolSetId);
  const { answersTurnId } = turn;
  const calls = answersTurnId === undefined ? [] : await store.ofTurn(answersTurnId);
  return {
    ...(mcpServers.length === 0 ? {} : { mcpServers }),
    ...(callerTools === undefined ? {} : { callerTools }),
    ...(calls.length === 0 ? {} : { toolResults: completeResults(calls, readGivenResults(turn)) }),
    ...(answersTurnId === undefined ? {} : { loadCallEvents: () => loadEvents(answersTurnId) }),
  };
}
