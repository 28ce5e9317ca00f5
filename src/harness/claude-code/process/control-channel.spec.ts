import { describe, expect, it } from 'vitest';
import type { McpServer } from '../../../domain/mcp-server.js';
import type { HarnessTurn } from '../../harness.js';
import { recording } from '../__fixtures__/recordings.js';
import { answerToolFilter, parseControlRequest, toControlReply, toInitializeLine } from './control-channel.js';
import { hasControlChannel, toProcessSetup } from './process-setup.js';

const server = (name: string, more: Partial<McpServer> = {}): McpServer => ({
  name,
  url: `https://${name}.example.com/mcp`,
  headers: { authorization: 'secret' },
  allowedTools: undefined,
  ...more,
});

const requestOf = (setup: Parameters<typeof toInitializeLine>[1]) => {
  const { request }: { readonly request: unknown } = JSON.parse(toInitializeLine('r', setup));
  return request;
};

describe('the first line on the control channel', () => {
  it('names the server of the caller’s tools with what it says first', () => {
    const callerServer = { initializeResult: { protocolVersion: 'x' }, toolsListResult: { tools: [] } };
    expect(requestOf({ callerServer, mcpServers: [] })).toEqual({
      subtype: 'initialize',
      sdkMcpServers: ['caller'],
      sdkMcpServerManifests: { caller: callerServer },
    });
  });

  it('gives the MCP servers with their headers, and a hook for those that allow some tools only', () => {
    const mcpServers = [server('docs'), server('mail', { allowedTools: ['find'] })];
    expect(requestOf({ callerServer: undefined, mcpServers })).toEqual({
      subtype: 'initialize',
      mcpServers: {
        docs: {
          type: 'http',
          url: 'https://docs.example.com/mcp',
          headers: { authorization: 'secret' },
          alwaysLoad: true,
        },
        mail: {
          type: 'http',
          url: 'https://mail.example.com/mcp',
          headers: { authorization: 'secret' },
          alwaysLoad: true,
        },
      },
      hooks: { PreToolUse: [{ matcher: 'mcp__mail__.*', hookCallbackIds: ['allowed-tools'] }] },
    });
  });
});

describe('a request of Claude Code', () => {
  it('is found among its lines with the message of its MCP client', () => {
    const requests = recording('claude-caller-tools').flatMap((line) => parseControlRequest(line) ?? []);
    expect(requests.map(({ request }) => request['message'])).toMatchObject([
      { method: 'initialize', params: { protocolVersion: '2025-11-25' } },
      { method: 'notifications/initialized' },
      { method: 'tools/list' },
      { method: 'tools/call', params: { name: 'look', _meta: { 'claudecode/toolUseId': 'toolu_1' } } },
      { method: 'tools/call', params: { name: 'hear', _meta: { 'claudecode/toolUseId': 'toolu_2' } } },
    ]);
  });

  it('is not found in a line that only quotes one', () => {
    expect(parseControlRequest('{"type":"assistant","text":"\\"control_request\\""}')).toBeUndefined();
    expect(parseControlRequest('"control_request"')).toBeUndefined();
  });

  it('is answered by its id', () => {
    expect(JSON.parse(toControlReply('r1', { mcp_response: {} }))).toEqual({
      type: 'control_response',
      response: { subtype: 'success', request_id: 'r1', response: { mcp_response: {} } },
    });
  });
});

describe('the hook before a tool of an MCP server', () => {
  const servers = [server('a', { allowedTools: ['find'] }), server('a__b', { allowedTools: ['x'] }), server('free')];
  const answer = (tool_name: string) => answerToolFilter({ input: { tool_name } }, servers);
  const denied = expect.objectContaining({
    hookSpecificOutput: expect.objectContaining({ permissionDecision: 'deny' }),
  });

  it.each(['mcp__a__find', 'mcp__a__b__x', 'mcp__free__any'])('lets %s pass', (name) => {
    expect(answer(name)).toEqual({});
  });

  it.each(['mcp__a__delete', 'mcp__a__b__find', 'mcp__gone__find', ''])('refuses "%s"', (name) => {
    expect(answer(name)).toEqual(denied);
  });
});

describe('the setup of a process', () => {
  const turn = (more: Partial<HarnessTurn> = {}): HarnessTurn => ({
    id: 't',
    prompt: [],
    attempt: 1,
    turnIndex: 0,
    ...more,
  });
  const tool = { name: 'look', description: '', inputSchema: {}, isStrict: false, isDeferred: false };
  const callerTools = { tools: [tool], allowsParallelCalls: true };

  it('is the same for turns with the same schema, tools and servers', () => {
    const more = { callerTools, mcpServers: [server('docs')], outputSchema: { type: 'object' } };
    expect(toProcessSetup(turn(more)).key).toBe(toProcessSetup(turn(structuredClone(more))).key);
  });

  it.each([
    [{}, { callerTools }],
    [{ callerTools }, { callerTools: { ...callerTools, allowsParallelCalls: false } }],
    [{ callerTools }, { callerTools: { ...callerTools, tools: [{ ...tool, description: 'other' }] } }],
    [{ mcpServers: [server('docs')] }, { mcpServers: [server('docs', { headers: { authorization: 'new' } })] }],
    [{}, { outputSchema: { type: 'object' } }],
  ])('differs between %j and %j', (left, right) => {
    expect(toProcessSetup(turn(left)).key).not.toBe(toProcessSetup(turn(right)).key);
  });

  it('needs the control channel only for tools and servers, and does not show them in its key', () => {
    expect(hasControlChannel(toProcessSetup(turn({ mcpServers: [] })))).toBe(false);
    expect(hasControlChannel(toProcessSetup(turn({ callerTools })))).toBe(true);
    expect(toProcessSetup(turn({ mcpServers: [server('docs')] })).key).toMatch(/^[0-9a-f]{64}$/);
  });
});
