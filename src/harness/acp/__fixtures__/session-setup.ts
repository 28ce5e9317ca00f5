import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import { lastValueFrom, tap, toArray } from 'rxjs';
import { afterAll } from 'vitest';
import type { AgentSettings } from '../../../config/agent-settings.js';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import type { HarnessSession, HarnessThread, HarnessTurn } from '../../harness.js';
import { AcpHarness } from '../acp.harness.js';
import { type Behaviour, FakeAgentSandbox } from './fake-agent.js';

export { NO_ANSWER } from './fake-agent.js';

Logger.overrideLogger(false);

export const AGENT: AgentSettings = {
  name: 'agent',
  displayName: 'Agent',
  command: 'agent',
  args: ['acp'],
  env: {},
  passedVariables: [],
  instructionsFile: '.agent/AGENTS.md',
  models: ['model-1', 'model-2'],
  modelChoice: { by: 'config-option', option: 'model' },
  allowMode: { by: 'mode', mode: 'yolo' },
  provider: undefined,
  settingsFiles: [],
  usesMcp: true,
  dialect: 'standard',
};

export const TURN: HarnessTurn = { id: 'turn-1', prompt: [{ type: 'text', text: 'hi there' }], attempt: 1, turnIndex: 0 };

const CAPABILITIES: JsonObject = {
  loadSession: true,
  promptCapabilities: { image: true },
  mcpCapabilities: { http: true },
  sessionCapabilities: { resume: {} },
};

export const text = (said: string): JsonObject => ({
  sessionUpdate: 'agent_message_chunk',
  content: { type: 'text', text: said },
});
export const userText = (said: string): JsonObject => ({
  sessionUpdate: 'user_message_chunk',
  content: { type: 'text', text: said },
});
export const call = (toolCallId: string, status = 'in_progress'): JsonObject => ({
  sessionUpdate: 'tool_call',
  toolCallId,
  title: 'bash',
  kind: 'execute',
  status,
  rawInput: { command: 'ls' },
});
export const result = (toolCallId: string, output = 'a file'): JsonObject => ({
  sessionUpdate: 'tool_call_update',
  toolCallId,
  status: 'completed',
  rawOutput: output,
});

/** An agent that opens sessions, and answers each prompt with this text. */
export function answering(said = 'hello', capabilities: JsonObject = CAPABILITIES): Behaviour {
  let sessions = 0;
  return ({ method }, agent) => {
    switch (method) {
      case 'initialize':
        return { result: { protocolVersion: 1, agentCapabilities: capabilities } };
      case 'session/new':
        sessions += 1;
        return { result: { sessionId: `s${sessions}` } };
      case 'session/prompt':
        agent.update({ ...text(said), of: `s${Math.max(1, sessions)}` });
        return { result: { stopReason: 'end_turn' } };
      default:
        return { result: {} };
    }
  };
}

/** The same, but for some messages; `undefined` for what the agent answers otherwise. */
export function but(others: Behaviour, behaviour: Behaviour = answering()): Behaviour {
  return (message, agent) => others(message, agent) ?? behaviour(message, agent);
}

/** A thread with folders of its own, and how to open its sessions. */
export function setup(behaviour: Behaviour, settings: Partial<AgentSettings> = {}, thread: Partial<HarnessThread> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'chiron-acp-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const folders = { workspace: `${folder}/workspace`, home: `${folder}/home`, server: `${folder}/server` };
  const files = new ThreadFiles(folder);
  const sandbox = new FakeAgentSandbox({ folders, files }, behaviour);
  const harness = new AcpHarness(sandbox, { ...AGENT, ...settings }, 'agent');
  const whole: HarnessThread = {
    id: 'thread',
    folders,
    files,
    model: undefined,
    systemPrompt: undefined,
    tools: 'all',
    sessionId: undefined,
    env: { CENTAUR_THREAD_KEY: 'key' },
    ...thread,
  };
  const open = (changes: Partial<HarnessThread> = {}): HarnessSession => harness.open({ ...whole, ...changes });
  return { folder, folders, files, sandbox, harness, open };
}

/** The events of a turn, once it has ended. `onEvents` gets them as they come. */
export async function runTurn(
  session: HarnessSession,
  turn: Partial<HarnessTurn> = {},
  onEvents: (events: readonly HarnessEvent[]) => void = () => undefined,
): Promise<readonly HarnessEvent[]> {
  return (await lastValueFrom(session.run({ ...TURN, ...turn }).pipe(tap(onEvents), toArray()))).flat();
}
