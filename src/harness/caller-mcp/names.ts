import type { CallerTools } from '../../domain/caller-tool.js';
import { toCarriedName } from '../caller-tool-names.js';

/** The name of the MCP server that carries the caller's tools. */
export const CALLER_MCP_SERVER = 'caller';

/** How agents name a tool of an MCP server to their model at the longest. */
const PREFIX = `mcp__${CALLER_MCP_SERVER}__`;

/** Anthropic's limit on the name of a tool. Agents pass the name of an MCP server's tool on with a prefix. */
const MAX_TOOL_NAME = 64;

/** The name under which the server has a caller's tool. */
export function toServerToolName(name: string): string {
  return toCarriedName(name, { maxLength: MAX_TOOL_NAME - PREFIX.length });
}

/** Returns a function that gives a tool's own name for the one that the server has; a tool that is not declared keeps the latter. */
export function toOwnNames(tools: CallerTools | undefined): (serverName: string) => string {
  const names = new Map((tools?.tools ?? []).map(({ name }) => [toServerToolName(name), name]));
  return (serverName) => names.get(serverName) ?? serverName;
}
