import { AGENT_SERVER } from '../../../domain/seed/seed-message.js';
import type { AcpState } from './state.js';
import type { AcpTool } from './tools.js';

/** The name of a tool and the MCP server that owns it, `agent` for the agent's own tools. */
export interface ToolName {
  readonly name: string;
  readonly server: string;
}

/** Finds the name that is least made up. Without one it is the kind of the tool, such as `execute`. */
export function nameTool(
  { name, kind, title }: Pick<AcpTool, 'name' | 'kind' | 'title'>,
  { mcpServers }: Pick<AcpState, 'mcpServers'>,
): ToolName {
  const told = name ?? title ?? '';
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(told) ?? [];
  if (server !== undefined && tool !== undefined) return { name: tool, server };
  for (const owner of mcpServers) {
    const own = PREFIXES.map((prefix) => toolOf(told, prefix(owner))).find((one) => one !== undefined);
    if (own !== undefined) return { name: own, server: owner };
  }
  return { name: name ?? kind ?? 'tool', server: AGENT_SERVER };
}

// How an agent joins the name of a server with that of its tool: opencode 1.18.33, copilot 1.0.102, gemini 0.61.0 (recordings *.mcp-http).
const PREFIXES: readonly ((server: string) => string)[] = [
  (server) => `${server}_`,
  (server) => `${server}-`,
  (server) => `mcp_${server}_`,
];

function toolOf(told: string, start: string): string | undefined {
  const isName = told.startsWith(start) && told.length > start.length && /^[\w.-]+$/.test(told);
  return isName ? told.slice(start.length) : undefined;
}
