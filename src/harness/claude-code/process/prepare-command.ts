import type { Logger } from '@nestjs/common';
import type { Sandbox, SandboxCommand } from '../../../sandbox/sandbox.js';
import { readErrorCode } from '../../../sandbox/errors.js';
import type { HarnessThread } from '../../harness.js';
import { buildClaudeEnvironment, buildCommandLine } from './command-line.js';
import { hasControlChannel, type ProcessSetup } from './process-setup.js';
import { removeOldFiles, type StartFiles, writeStartFiles } from './start-files.js';
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

/** The files that a process starts with, whatever its conversation is. */
export interface PreparedFiles extends StartFiles {
  /** Holds what is appended to the system prompt; `undefined` for nothing. */
  readonly systemPromptFile: string | undefined;
}

/** Writes the files that a process starts with. Not while a process of the thread runs: it would lose what it was started with. */
export async function prepareFiles(
  thread: HarnessThread,
  { sandbox, logger }: Pick<ProcessTools, 'sandbox' | 'logger'>,
): Promise<PreparedFiles> {
  const [systemPromptFile, files] = await Promise.all([
    writeInstructions(thread, logger),
    writeStartFiles(thread, sandbox),
  ]);
  removeOldFiles(thread.files).catch((error: unknown) => {
    logger.warn(`failed to remove files of an earlier Claude Code: ${readErrorCode(error) ?? 'unknown error'}`);
  });
  return { ...files, systemPromptFile };
}

/** Builds the command that starts a process with these files. */
export function buildCommand(
  thread: HarnessThread,
  plan: StartPlan,
  setup: ProcessSetup,
  { systemPromptFile, ...files }: PreparedFiles,
  { command, isRoot, supportsClientComposed }: ProcessTools,
): SandboxCommand {
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
