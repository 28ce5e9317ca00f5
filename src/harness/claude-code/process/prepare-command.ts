import type { Logger } from '@nestjs/common';
import type { Sandbox, SandboxCommand } from '../../../sandbox/sandbox.js';
import type { HarnessThread } from '../../harness.js';
import { buildClaudeEnvironment, buildCommandLine } from './command-line.js';
import { hasControlChannel, type ProcessSetup } from './process-setup.js';
import { writeStartFiles } from './start-files.js';
import { findConfigFolder, type StartPlan, writeInstructions } from './start-plan.js';

/** What the processes of a deployment have in common. */
export interface ProcessTools {
  readonly sandbox: Sandbox;
  readonly command: string;
  readonly isRoot: boolean;
  /** Whether this version supports `client_composed`; see `toPromptLine`. */
  readonly supportsClientComposed: boolean;
  readonly logger: Pick<Logger, 'warn' | 'error'>;
}

/** Writes the files that a process starts with, and returns the command that starts it. */
export async function prepareCommand(
  thread: HarnessThread,
  plan: StartPlan,
  setup: ProcessSetup,
  { sandbox, command, isRoot, supportsClientComposed, logger }: ProcessTools,
): Promise<SandboxCommand> {
  const systemPromptFile = await writeInstructions(thread, logger);
  const files = await writeStartFiles(thread, sandbox);
  return {
    threadId: thread.id,
    command,
    args: buildCommandLine(thread, plan.conversation, files, {
      systemPromptFile,
      schema: setup.toolSchema?.schema,
      awaitsInitialize: supportsClientComposed && hasControlChannel(setup),
    }),
    env: buildClaudeEnvironment(thread, findConfigFolder(thread), isRoot, plan.turn.kind === 'continue'),
  };
}
