import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject } from '../../../domain/json.js';
import type { ClaudeProcess } from './claude-process.js';
import type { ClaudeConversation } from './command-line.js';
import type { ProcessSetup } from './process-setup.js';
import type { StartPlan } from './start-plan.js';

/** What a process for a spare thread has to be given once the thread is known. */
export interface EarlyBinding {
  readonly model: string | undefined;
  /** What is appended to the system prompt. */
  readonly instructions: string | undefined;
  /** The variables of its tools that the process was started without. */
  readonly variables: Readonly<Record<string, string>>;
}

/** A process that was started before its first turn. It is idle, asks no model, and writes no record until then (2.1.330, seen). */
export interface EarlyProcess {
  readonly process: ClaudeProcess;
  readonly conversation: ClaudeConversation;
  /** Whether its thread was not known when it was started. */
  readonly isSpare: boolean;
}

/**
 * Whether a process that was started early can run a turn: the turn needs nothing that a process gets only at its start, and the record is as the
 * process has read it.
 */
export function fitsEarly(
  { conversation }: Pick<EarlyProcess, 'conversation'>,
  plan: Pick<StartPlan, 'conversation' | 'turn' | 'changesRecord'>,
  setup: ProcessSetup,
  plainKey: string,
): boolean {
  return (
    setup.key === plainKey &&
    plan.turn.kind === 'prompt' &&
    !plan.changesRecord &&
    plan.conversation.kind === conversation.kind &&
    plan.conversation.sessionId === conversation.sessionId
  );
}

/**
 * The requests that give a spare process its thread. Claude Code 2.1.330 (seen) adds these settings to those of its command line, asks the model
 * of the setting `model` from then on, sets the variables for the tools, and takes a system prompt from the first `initialize` only.
 */
export function toBindingRequests({ model, instructions, variables }: EarlyBinding): readonly JsonObject[] {
  const settings = { ...(model === undefined ? {} : { model }), env: { ...variables } };
  return [
    { subtype: 'apply_flag_settings', settings },
    ...(instructions === undefined ? [] : [{ subtype: 'initialize', appendSystemPrompt: instructions }]),
  ];
}

/**
 * Whether the deployment's settings allow to start a process before its thread is known. Programs that Claude Code starts by itself, MCP servers and
 * hooks, would not have the variables of the thread.
 */
export function settingsAllowSpares(settings: JsonObject, mcpServers: JsonObject): boolean {
  const startsNothing = Object.values(mcpServers).every((server) => asObject(server)['url'] !== undefined);
  return startsNothing && settings['hooks'] === undefined;
}
