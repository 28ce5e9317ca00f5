import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { isProcessGone, JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import { decodeUpdate } from '../decode/decode.js';
import { endAcpTurn, type PromptEnd } from '../decode/ending.js';
import type { AcpState, AcpStep } from '../decode/state.js';
import { toolRequested } from '../decode/tools.js';
import type { AcpAgent, AgentMessage } from '../process/acp-agent.js';
import { toPromptError } from '../process/agent-error.js';
import { untilQuiet } from '../process/quiet.js';
import type { EmitEvents } from './acp-turn.js';

/** Where a prompt is sent, and who reads its turn. */
export interface PromptRun {
  readonly agent: AcpAgent;
  readonly sessionId: string;
  readonly state: AcpState;
  readonly emit: EmitEvents;
}

/** The end of the turn of a prompt: the state after it, and the events that are left, the last of which ends the turn. */
export interface AcpTurnEnd {
  readonly state: AcpState;
  readonly events: readonly HarnessEvent[];
}

/**
 * Sends a prompt and emits what its turn tells. Resolves when the agent has ended the turn.
 *
 * @throws JsonRpcError if the process is gone
 */
export async function runPrompt(
  { agent, sessionId, state: before, emit }: PromptRun,
  blocks: readonly JsonObject[],
): Promise<AcpTurnEnd> {
  let state = before;
  const take = ([next, events]: AcpStep): readonly HarnessEvent[] => {
    state = next;
    return events;
  };
  const listening = agent.messages$.subscribe((batch) => {
    const told = batch.filter((message) => message.sessionId === sessionId);
    emit(told.flatMap((message) => take(decodeMessage(state, message))));
  });
  try {
    const end = await askAgent(agent, sessionId, blocks);
    await untilQuiet(agent.messages$);
    const events = take(endAcpTurn(state, { ...end, isCancelled: agent.isCancelling }, Date.now()));
    return { state, events };
  } finally {
    listening.unsubscribe();
  }
}

function decodeMessage(state: AcpState, { type, content }: AgentMessage): AcpStep {
  const now = Date.now();
  return type === 'permission' ? toolRequested(state, content, now) : decodeUpdate(state, content, now);
}

async function askAgent(
  agent: AcpAgent,
  sessionId: string,
  blocks: readonly JsonObject[],
): Promise<Omit<PromptEnd, 'isCancelled'>> {
  try {
    return { result: await agent.prompt(sessionId, blocks) };
  } catch (error) {
    if (!(error instanceof JsonRpcError) || isProcessGone(error)) throw error;
    return { error: toPromptError(error) };
  }
}
