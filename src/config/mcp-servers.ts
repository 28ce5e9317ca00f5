import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { asObject, asString, asStrings, isJsonObject, parseObject } from '../domain/json.js';
import type { JsonValue } from '../domain/harness-event.js';
import type { McpServer } from '../domain/mcp-server.js';
import { isWebUrl } from '../domain/prompt.js';
import type { Parsed, Variables } from './setting.js';

const EXPECTED =
  'must be a readable JSON file with {"mcpServers": {"<name>": {"url": "https://…", "headers": {…}, "allowedTools": […]}}}';

/**
 * Reads the deployment's MCP servers from a file. `${NAME}` in a header is a variable of the server's environment, so that the file needs
 * no credentials.
 */
export function parseMcpServersFile(file: string | undefined, variables: Variables): Parsed<readonly McpServer[]> {
  if (file === undefined) return { value: [] };
  let text: string;
  try {
    text = readFileSync(resolve(file), 'utf8');
  } catch {
    // The path is in the operator's own configuration; the reason does not matter.
    return { expected: EXPECTED };
  }
  const servers = parseObject(text)?.['mcpServers'];
  if (!isJsonObject(servers)) return { expected: EXPECTED };
  const parsed = Object.entries(servers).map(([name, server]) => readServer(name, server, variables));
  return parsed.every((server) => server !== undefined) ? { value: parsed } : { expected: EXPECTED };
}

function readServer(name: string, value: JsonValue, variables: Variables): McpServer | undefined {
  const { url, headers = {}, allowedTools } = asObject(value);
  const entries = Object.entries(asObject(headers));
  const isWellFormed =
    /^[a-zA-Z0-9_-]{1,64}$/.test(name) &&
    typeof url === 'string' &&
    isWebUrl(url) &&
    entries.every(([, text]) => typeof text === 'string');
  if (!isWellFormed) return undefined;
  return {
    name,
    url,
    headers: Object.fromEntries(entries.map(([header, text]) => [header, expand(asString(text) ?? '', variables)])),
    allowedTools: allowedTools === undefined ? undefined : asStrings(allowedTools),
  };
}

function expand(text: string, variables: Variables): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => variables[name] ?? '');
}

/** Parses a comma-separated list of hosts, each with a port if it is not the scheme's own. */
export function parseHosts(text: string | undefined): Parsed<readonly string[]> {
  const hosts = text?.split(',').map((host) => host.trim().toLowerCase()) ?? [];
  return hosts.every((host) => /^(?:[^\s/:@[\]]+|\[[\da-f:.]+\])(?::\d+)?$/.test(host))
    ? { value: hosts }
    : { expected: 'must be a comma-separated list of hosts, such as mcp.example.com' };
}
