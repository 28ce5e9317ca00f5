import type { Logger } from '@nestjs/common';
import type { AgentSettings } from '../../../config/agent-settings.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import { isProcessGone, JsonRpcError } from '../../json-rpc/json-rpc-error.js';
import type { AcpAgent } from '../process/acp-agent.js';
import { describeAgentError, TurnRefusedError } from '../process/agent-error.js';
import type { AgentCapabilities } from '../process/capabilities.js';
import { toSettings } from './session-parameters.js';

/** @throws TurnRefusedError for servers that the agent cannot be given as they are meant */
export function assertMcpServers(
  { takesHttpMcp }: Pick<AgentCapabilities, 'takesHttpMcp'>,
  servers: readonly McpServer[],
): void {
  if (servers.length > 0 && !takesHttpMcp)
    throw new TurnRefusedError({
      type: 'turn-failed',
      kind: 'bad_request',
      message: 'The agent of this model takes no MCP servers.',
    });
  // The protocol has no field for them, and the others must not be in reach.
  if (servers.some(({ allowedTools }) => allowedTools !== undefined))
    throw new TurnRefusedError({
      type: 'turn-failed',
      kind: 'bad_request',
      message: 'The agent of this model cannot be limited to some tools of an MCP server.',
    });
}

/**
 * Sets what a session needs. An agent without the mode in which it runs tools without asking is asked all the same: its requests are answered.
 *
 * @throws TurnRefusedError if the agent does not know the model; JsonRpcError, JsonRpcTimeoutError
 */
export async function applySettings(
  agent: Pick<AcpAgent, 'set'>,
  settings: Pick<AgentSettings, 'allowMode' | 'modelChoice' | 'name'>,
  { sessionId, model }: { readonly sessionId: string; readonly model: string | undefined },
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  for (const { method, params, isModel } of toSettings(settings, sessionId, model)) {
    try {
      await agent.set(method, params);
    } catch (error) {
      if (!(error instanceof JsonRpcError) || isProcessGone(error)) throw error;
      if (isModel)
        throw new TurnRefusedError({
          type: 'turn-failed',
          kind: 'not_found',
          message: `The agent does not have the model ${model ?? ''}.`,
        });
      logger.warn(`failed to set how ${settings.name} asks for permission: ${describeAgentError(error)}`);
    }
  }
}
