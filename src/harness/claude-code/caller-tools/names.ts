import { CALLER_MCP_SERVER, toServerToolName } from '../../caller-mcp/names.js';

const PREFIX = `mcp__${CALLER_MCP_SERVER}__`;

/** The name under which Claude Code's model knows a caller's tool. */
export function toModelToolName(name: string): string {
  return `${PREFIX}${toServerToolName(name)}`;
}

/** Whether the model's name of a tool is that of a caller's tool. */
export function isCallerTool(modelName: string): boolean {
  return modelName.startsWith(PREFIX);
}
