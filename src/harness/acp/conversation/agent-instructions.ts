import type { Logger } from '@nestjs/common';
import type { AgentSettings } from '../../../config/agent-settings.js';
import type { Sandbox } from '../../../sandbox/sandbox.js';
import { findDialect } from '../dialects/dialect.js';
import type { HarnessThread } from '../../harness.js';
import { joinInstructions, loadInstructions } from '../../instructions.js';

/** What an agent is told besides its prompts, and how. */
export type AgentInstructions =
  | { readonly by: 'nothing' }
  /** With the request that opens a session. */
  | { readonly by: 'session'; readonly text: string }
  /** In a file of the home, which is written by now. */
  | { readonly by: 'file' }
  /** Before the first prompt, for want of anything better. */
  | { readonly by: 'prompt'; readonly text: string };

/**
 * Gives an agent the caller's system prompt, and the workspace's `AGENTS.md` if the agent does not read it by itself. Call it before a session is
 * opened: agents read their files of instructions then.
 */
export async function giveInstructions(
  thread: HarnessThread,
  agent: Pick<AgentSettings, 'dialect' | 'instructionsFile'>,
  { takesSystemPrompt }: { readonly takesSystemPrompt: boolean },
  sandbox: Pick<Sandbox, 'templateText'>,
  logger: Pick<Logger, 'warn'>,
): Promise<AgentInstructions> {
  const { readsAgentsFile } = findDialect(agent.dialect);
  const text = readsAgentsFile ? joinInstructions(thread.systemPrompt) : await loadInstructions(thread, logger);
  if (text === undefined) return { by: 'nothing' };
  if (takesSystemPrompt) return { by: 'session', text };
  if (agent.instructionsFile === undefined) return { by: 'prompt', text };
  const path = `home/${agent.instructionsFile}`;
  const own = await sandbox.templateText(path, thread.workspaceTemplate);
  await thread.files.write(path, `${joinInstructions(own, text) ?? text}\n`);
  return { by: 'file' };
}
