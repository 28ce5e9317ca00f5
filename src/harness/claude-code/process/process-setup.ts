import { createHash } from 'node:crypto';
import type { CallerTools } from '../../../domain/caller-tool.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import type { HarnessTurn } from '../../harness.js';
import { type ToolSchema, toToolSchema } from '../decode/structured-output.js';

/** What a process takes only at its start, for all of its turns. */
export interface ProcessSetup {
  /** The schema of the answers; `undefined` for none. */
  readonly toolSchema: ToolSchema | undefined;
  readonly callerTools: CallerTools | undefined;
  readonly mcpServers: readonly McpServer[];
  /** Equal for equal setups. It does not tell what they hold. */
  readonly key: string;
}

/**
 * Reads the setup that a turn needs; a turn with another one gets a new process, which resumes the conversation.
 *
 * Claude Code 2.1.330 takes an output schema only at start (`initialize` accepts one only before the first prompt), and goes on offering
 * the tools of an MCP server that `mcp_set_servers` has removed, or that its list no longer has (seen).
 */
export function toProcessSetup({
  outputSchema,
  callerTools,
  mcpServers = [],
}: Pick<HarnessTurn, 'outputSchema' | 'callerTools' | 'mcpServers'>): ProcessSetup {
  const toolSchema = outputSchema === undefined ? undefined : toToolSchema(outputSchema);
  const isPlain = callerTools === undefined && mcpServers.length === 0;
  const rest = isPlain ? '' : JSON.stringify([callerTools ?? null, mcpServers]);
  const key = createHash('sha256')
    .update(JSON.stringify([toolSchema?.schema ?? null, rest]))
    .digest('hex');
  return { toolSchema, callerTools, mcpServers, key };
}

/** Whether a process has something to say on the control channel; one without starts as it does without any of this. */
export function hasControlChannel({
  callerTools,
  mcpServers,
}: Pick<ProcessSetup, 'callerTools' | 'mcpServers'>): boolean {
  return callerTools !== undefined || mcpServers.length > 0;
}

/** Whether the turn begins with a change of the record, which only a new process reads. */
export function changesRecord({ dropFrom, seed = [] }: HarnessTurn): boolean {
  return dropFrom !== undefined || seed.length > 0;
}
