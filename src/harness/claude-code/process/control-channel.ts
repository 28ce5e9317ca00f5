import type { JsonObject } from '../../../domain/harness-event.js';
import { asObject, asString, parseObject } from '../../../domain/json.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import type { ServerManifest } from '../../caller-mcp/caller-server.js';
import { CALLER_MCP_SERVER } from '../../caller-mcp/names.js';

/** A request of Claude Code on its control channel. */
export interface ControlRequest {
  readonly id: string;
  readonly request: JsonObject;
}

/** What a process gets on its control channel before its first prompt. */
export interface ControlSetup {
  /** The MCP server of the caller's tools; `undefined` for none. */
  readonly callerServer: ServerManifest | undefined;
  readonly mcpServers: readonly McpServer[];
}

/** The name of the hook that refuses tools which a server's `allowedTools` leave out. */
const TOOL_FILTER = 'allowed-tools';

/** Where `type` is in a line, whatever the order of its fields. */
const HEAD_LENGTH = 400;

/** Parses a request of Claude Code; `undefined` for any other line. */
export function parseControlRequest(line: string): ControlRequest | undefined {
  if (!line.slice(0, HEAD_LENGTH).includes('"control_request"')) return undefined;
  const message = parseObject(line) ?? {};
  const id = asString(message['request_id']);
  return message['type'] === 'control_request' && id !== undefined
    ? { id, request: asObject(message['request']) }
    : undefined;
}

/** Parses Claude Code's answer to a request of the server; `undefined` for any other line. */
export function parseControlResponse(line: string): { readonly id: string; readonly isSuccess: boolean } | undefined {
  if (!line.slice(0, HEAD_LENGTH).includes('"control_response"')) return undefined;
  const message = parseObject(line) ?? {};
  const response = asObject(message['response']);
  const id = asString(response['request_id']);
  if (message['type'] !== 'control_response' || id === undefined) return undefined;
  return { id, isSuccess: response['subtype'] === 'success' };
}

/** The line that answers a request. */
export function toControlReply(requestId: string, response: JsonObject): string {
  return JSON.stringify({
    type: 'control_response',
    response: { subtype: 'success', request_id: requestId, response },
  });
}

/**
 * The first line of a process with tools of the caller or further MCP servers. Claude Code 2.1.330 (seen) makes both available to the
 * first model call, also of a turn that it resumes by itself, only because of the manifest, which spares it the handshake, and of
 * `--await-initialize`, without which it reads no `mcpServers` here. The headers of those stay out of arguments, files and environment.
 */
export function toInitializeLine(requestId: string, { callerServer, mcpServers }: ControlSetup): string {
  const filtered = mcpServers.filter(({ allowedTools }) => allowedTools !== undefined);
  const request: JsonObject = {
    subtype: 'initialize',
    ...(callerServer === undefined
      ? {}
      : { sdkMcpServers: [CALLER_MCP_SERVER], sdkMcpServerManifests: { [CALLER_MCP_SERVER]: { ...callerServer } } }),
    ...(mcpServers.length === 0 ? {} : { mcpServers: Object.fromEntries(mcpServers.map(toServerEntry)) }),
    ...(filtered.length === 0 ? {} : { hooks: { PreToolUse: filtered.map(toToolFilter) } }),
  };
  return JSON.stringify({ type: 'control_request', request_id: requestId, request });
}

/** The model is to see their tools at once, as with the MCP connector of Anthropic's API. */
function toServerEntry({ name, url, headers }: McpServer): readonly [string, JsonObject] {
  return [name, { type: 'http', url, headers: { ...headers }, alwaysLoad: true }];
}

function toToolFilter({ name }: McpServer): JsonObject {
  return { matcher: `mcp__${name}__.*`, hookCallbackIds: [TOOL_FILTER] };
}

/**
 * Answers the hook that Claude Code calls before a tool: a tool that its server's `allowedTools` leave out is refused. The permission mode
 * skips Claude Code's own rules of what is allowed.
 */
export function answerToolFilter(request: JsonObject, mcpServers: readonly McpServer[]): JsonObject {
  const tool = asString(asObject(request['input'])['tool_name']) ?? '';
  // A name can begin with another one and `__`.
  const servers = mcpServers.filter(({ name }) => tool.startsWith(`mcp__${name}__`));
  const server = servers.toSorted((left, right) => right.name.length - left.name.length)[0];
  const isAllowed =
    server?.allowedTools?.some((allowed) => tool === `mcp__${server.name}__${allowed}`) ?? server !== undefined;
  if (isAllowed) return {};
  return {
    hookSpecificOutput: {
      hookEventName: 'PreToolUse',
      permissionDecision: 'deny',
      permissionDecisionReason: 'This tool of the MCP server is not allowed here.',
    },
  };
}
