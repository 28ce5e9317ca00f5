import { describe, expect, it } from 'vitest';
import type { McpServer } from '../../../domain/mcp-server.js';
import { canUnload, toSetup } from './setup.js';

const tool = (name: string) => ({ name, description: '', inputSchema: {}, isStrict: false, isDeferred: false });
const callerTools = (...names: readonly string[]) => ({ tools: names.map(tool), allowsParallelCalls: true });
const notes: McpServer = {
  name: 'notes',
  url: 'https://notes/mcp',
  headers: { authorization: 'x' },
  allowedTools: ['read'],
};

describe('The setup of a turn', () => {
  it('is empty without anything of the caller', () => {
    const setup = toSetup({});
    expect(setup).toMatchObject({ toolsKey: '', config: {}, mcpNames: [], tools: { specs: [] } });
    expect(canUnload(setup)).toBe(false);
  });

  it('has the model call the caller’s tools itself', () => {
    const setup = toSetup({ callerTools: callerTools('read') });
    expect(setup.config).toEqual({
      'features.code_mode.direct_only_tool_namespaces': ['caller'],
      thread_unload_delay_secs: 0,
    });
    expect(canUnload(setup)).toBe(true);
  });

  it('has the MCP servers with their headers and tools, and a process of its own for them', () => {
    const setup = toSetup({ mcpServers: [notes, { ...notes, name: 'all', allowedTools: undefined }] });
    const { config, mcpNames } = setup;
    expect(canUnload(setup)).toBe(false);
    expect(mcpNames).toEqual(['notes', 'all']);
    expect(config).toMatchObject({
      'mcp_servers.notes': { url: 'https://notes/mcp', http_headers: { authorization: 'x' }, enabled_tools: ['read'] },
    });
    expect(config['mcp_servers.all']).not.toHaveProperty('enabled_tools');
  });

  it('has another key for other tools, servers or tokens, and the same for the same', () => {
    const setups = [
      {},
      { callerTools: callerTools('read') },
      { callerTools: callerTools('write') },
      { mcpServers: [notes] },
      { mcpServers: [{ ...notes, headers: { authorization: 'y' } }] },
    ];
    expect(new Set(setups.map((turn) => toSetup(turn).key)).size).toBe(setups.length);
    expect(toSetup({ callerTools: callerTools('read') }).key).toBe(toSetup({ callerTools: callerTools('read') }).key);
    const serial = { ...callerTools('read'), allowsParallelCalls: false };
    expect(toSetup({ callerTools: serial }).key).toBe(toSetup({ callerTools: callerTools('read') }).key);
  });
});
