import { createHash } from 'node:crypto';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import type { HarnessTurn } from '../../harness.js';
import { CALLER_TOOLS_CONFIG, type CarriedTools, toCarriedTools } from '../caller-tools/carried-tools.js';

/** What a conversation is opened with for a turn. Codex cannot change any of it while the conversation is open. */
export interface Setup {
  readonly tools: CarriedTools;
  /** Identifies the caller's tools; empty for none. */
  readonly toolsKey: string;
  /** The MCP servers that the turn brings. */
  readonly mcpNames: readonly string[];
  /** Codex's settings for the conversation. They hold credentials, and reach Codex with the request that opens the conversation only. */
  readonly config: JsonObject;
  /** Identifies all of it. */
  readonly key: string;
}

/** Has Codex 0.169.0 close the conversation as soon as nobody is subscribed to it (seen), so that it can be opened with another setup. */
export const UNLOADS_AT_ONCE: JsonObject = { thread_unload_delay_secs: 0 };

/**
 * Whether a conversation that was opened so can be closed while its process goes on. Not with MCP servers of a caller: on a busy machine, Codex 0.169.0
 * has once gone on with those of a conversation that it had said to be closed (seen), and the next turn may be another caller's.
 */
export function canUnload({ config, mcpNames }: Pick<Setup, 'config' | 'mcpNames'>): boolean {
  return mcpNames.length === 0 && Object.keys(config).length > 0;
}

/** The setup that a turn needs. */
export function toSetup({ callerTools, mcpServers = [] }: Pick<HarnessTurn, 'callerTools' | 'mcpServers'>): Setup {
  const tools = toCarriedTools(callerTools);
  const hasTools = tools.specs.length > 0;
  const own = { ...(hasTools ? CALLER_TOOLS_CONFIG : {}), ...toMcpConfig(mcpServers) };
  const config = Object.keys(own).length === 0 ? {} : { ...own, ...UNLOADS_AT_ONCE };
  const toolsKey = hasTools ? toKey(tools.specs) : '';
  return { tools, toolsKey, mcpNames: mcpServers.map(({ name }) => name), config, key: toKey([toolsKey, config]) };
}

/** The setup of a turn without tools or MCP servers of its caller. */
export const PLAIN_SETUP = toSetup({});

/** Settings of the same name in the deployment's `config.toml` are merged with these, so each is named by its path. */
function toMcpConfig(servers: readonly McpServer[]): JsonObject {
  return Object.fromEntries(servers.map((server) => [`mcp_servers.${server.name}`, toMcpSettings(server)]));
}

function toMcpSettings({ url, headers, allowedTools }: McpServer): JsonObject {
  return {
    url,
    http_headers: { ...headers },
    ...(allowedTools === undefined ? {} : { enabled_tools: [...allowedTools] }),
  };
}

function toKey(value: JsonValue): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
