import { asArray, asObject, asObjects, asStrings, isJsonObject } from '../../../domain/json.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import type { McpServer } from '../../../domain/mcp-server.js';
import { isWebUrl } from '../../../domain/prompt.js';
import { badRequest } from '../../../anthropic/anthropic.exception.js';
import type { AppConfig } from '../../../config/app-config.js';
import { missingOr } from '../../../http/field-problems.js';
import type { MessageRequest } from '../message-request.js';

/** The settings that decide about the MCP servers of a request. */
export type CallerMcpPolicy = Pick<AppConfig, 'callerMcp' | 'callerMcpHosts' | 'mcpServers'>;

const MAX_SERVERS = 20;
const NAME = /^[a-zA-Z0-9_-]{1,64}$/;

/** Agents know the caller's tools as those of a server of this name. */
const RESERVED_NAME = 'caller';

/**
 * Reads the MCP servers of a request (the API's MCP connector), for the agent to use beside the deployment's.
 *
 * @throws AnthropicException (400) if the deployment does not allow them, or they are malformed.
 */
export function readCallerMcpServers(
  { body, isSideRequest }: MessageRequest,
  policy: CallerMcpPolicy,
): readonly McpServer[] {
  const declared = body.mcp_servers ?? [];
  if (declared.length === 0 || isSideRequest) return [];
  if (policy.callerMcp === 'off') throw badRequest('mcp_servers: this server does not allow MCP servers of callers');
  if (declared.length > MAX_SERVERS) throw badRequest(`mcp_servers: List should have at most ${MAX_SERVERS} items`);
  const toolsets = asObjects(asArray(body.tools as JsonValue | undefined));
  const servers = declared.map((server, index) => readServer(server, `mcp_servers.${index}`, policy, toolsets));
  const names = [RESERVED_NAME, ...[...policy.mcpServers, ...servers].map(({ name }) => name)];
  const taken = names.find((name, index) => names.indexOf(name) < index);
  if (taken !== undefined) throw badRequest(`mcp_servers: the name ${taken} is taken by another server`);
  return servers;
}

function readServer(
  server: unknown,
  path: string,
  policy: CallerMcpPolicy,
  toolsets: readonly JsonObject[],
): McpServer {
  if (!isJsonObject(server)) throw badRequest(`${path}: Input should be a valid dictionary`);
  const { type, name, url, authorization_token: token } = server;
  if (type !== 'url') throw badRequest(`${path}.type: ${missingOr(type, "Input should be 'url'")}`);
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw badRequest(`${path}.name: ${missingOr(name, 'String should have 1 to 64 letters, digits, _ or -')}`);
  }
  if (typeof url !== 'string' || !isWebUrl(url)) {
    throw badRequest(`${path}.url: ${missingOr(url, "URL scheme should be 'http' or 'https'")}`);
  }
  if (policy.callerMcp === 'allowlist' && !policy.callerMcpHosts.includes(new URL(url).host)) {
    throw badRequest(`${path}.url: this server does not allow MCP servers of this host`);
  }
  if (token !== undefined && token !== null && (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))) {
    throw badRequest(`${path}.authorization_token: Input should be a token of printable ASCII characters`);
  }
  const toolset = toolsets.find((tool) => tool['type'] === 'mcp_toolset' && tool['mcp_server_name'] === name);
  return {
    name,
    url,
    headers: typeof token === 'string' ? { authorization: `Bearer ${token}` } : {},
    allowedTools: toolset === undefined ? readConfiguration(server, path) : readToolset(toolset, name),
  };
}

/** The form of beta `mcp-client-2025-04-04`. */
function readConfiguration(server: JsonObject, path: string): readonly string[] | undefined {
  const configuration = server['tool_configuration'];
  if (configuration === undefined || configuration === null) return undefined;
  if (!isJsonObject(configuration)) throw badRequest(`${path}.tool_configuration: Input should be a valid dictionary`);
  if (configuration['enabled'] === false) return [];
  const { allowed_tools: allowed } = configuration;
  return allowed === undefined || allowed === null ? undefined : asStrings(allowed);
}

/** The form of beta `mcp-client-2025-11-20`: a toolset among `tools`, with a default and exceptions. */
function readToolset(toolset: JsonObject, name: string): readonly string[] | undefined {
  const configs = Object.entries(asObject(toolset['configs'] ?? {}));
  const isEnabled = (config: JsonValue): boolean | undefined => {
    const { enabled } = asObject(config);
    return typeof enabled === 'boolean' ? enabled : undefined;
  };
  if (isEnabled(toolset['default_config'] ?? {}) === false) {
    return configs.filter(([, config]) => isEnabled(config) === true).map(([tool]) => tool);
  }
  if (configs.some(([, config]) => isEnabled(config) === false)) {
    throw badRequest(
      `tools: the toolset of ${name} cannot disable single tools here; disable all in default_config and enable the others`,
    );
  }
  return undefined;
}
