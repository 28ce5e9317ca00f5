import type { JsonRecord } from '../../clients/support/json.js';
import type { AgentName } from './agents.js';

/** What agents tell differently. Each is a row of the table in docs/agents.md. */
export interface Traits {
  /** The name of the shell tool, as callers see it. */
  readonly shell: string;
  /** The input of `echo hi`. */
  readonly input: JsonRecord;
  /** Whether the output of a command is told. */
  readonly hasOutput: boolean;
  /** The usage of a turn with two model calls, as CALL_USAGE has them; `undefined` for none. */
  readonly usage: JsonRecord | undefined;
  /** How the agent names the tool `find` of the MCP server `docs` to its model; `undefined` where the model cannot count on it. */
  readonly mcpTool: string | undefined;
  /** What a caller gets when the model's provider refuses with these. Where the agent tries again in silence, the stall rule ends the turn. */
  readonly refused: Readonly<Record<400 | 401 | 429 | 529, string>>;
}

const BAD_REQUEST = 'invalid_request_error';
const UNAUTHORIZED = 'api_error';
const STALLED = 'api_error';

/** The traits of each agent. */
export const TRAITS: Readonly<Record<AgentName, Traits>> = {
  opencode: {
    shell: 'bash',
    input: { command: 'echo hi' },
    hasOutput: true,
    usage: { input_tokens: 200, cache_read_input_tokens: 300, output_tokens: 25 },
    mcpTool: 'docs_find',
    // It quotes the words of the provider without the status.
    refused: { 400: 'api_error', 401: UNAUTHORIZED, 429: STALLED, 529: STALLED },
  },
  copilot: {
    shell: 'execute',
    input: { command: 'echo hi' },
    hasOutput: true,
    usage: { input_tokens: 300, cache_read_input_tokens: 600, output_tokens: 50 },
    mcpTool: 'docs-find',
    refused: { 400: BAD_REQUEST, 401: UNAUTHORIZED, 429: STALLED, 529: 'overloaded_error' },
  },
  qwen: {
    shell: 'run_shell_command',
    input: { command: 'echo hi' },
    hasOutput: true,
    usage: { input_tokens: 300, cache_read_input_tokens: 600, output_tokens: 50 },
    // It gives up a server that has not connected after 5 s: a scripted model cannot count on the tool where a machine is busy.
    mcpTool: undefined,
    refused: { 400: BAD_REQUEST, 401: UNAUTHORIZED, 429: STALLED, 529: STALLED },
  },
  gemini: {
    shell: 'run_shell_command',
    input: { title: 'echo hi' },
    hasOutput: false,
    usage: { input_tokens: 900, output_tokens: 40 },
    mcpTool: 'mcp_docs_find',
    refused: { 400: BAD_REQUEST, 401: UNAUTHORIZED, 429: STALLED, 529: STALLED },
  },
  kimi: {
    shell: 'Bash',
    input: { command: 'echo hi' },
    hasOutput: true,
    usage: undefined,
    mcpTool: 'mcp__docs__find',
    refused: { 400: BAD_REQUEST, 401: UNAUTHORIZED, 429: STALLED, 529: STALLED },
  },
};
