import { describe, expect, it } from 'vitest';
import type { CallerTool } from '../../../domain/caller-tool.js';
import { asArray, asObject } from '../../../domain/json.js';
import { CALLER_NAMESPACE, toCarriedTools, toCodexToolName } from './carried-tools.js';

const tool = (name: string, more: Partial<CallerTool> = {}): CallerTool => ({
  name,
  description: 'Reads a file.',
  inputSchema: { type: 'object' },
  isStrict: false,
  isDeferred: false,
  ...more,
});
const specsOf = (...tools: readonly CallerTool[]) =>
  asArray(toCarriedTools({ tools, allowsParallelCalls: true }).specs[0]?.['tools']).map(asObject);

describe('The name of a tool of the caller', () => {
  it.each(['read', 'exec_command', 'apply_patch', 'mcp_read'])('is its own: %s', (name) => {
    expect(toCodexToolName(name)).toBe(name);
  });

  it.each(['a.b', 'mcp__server__tool', 'mcp', 'x'.repeat(65), '木', ''])(
    'that Codex refuses is another one: "%s"',
    (name) => {
      const carried = toCodexToolName(name);
      expect(carried).toMatch(/^[a-zA-Z0-9_-]{1,64}$/);
      expect(carried).not.toMatch(/^mcp(__|$)/);
    },
  );

  it('is that of one tool only', () => {
    const names = ['mcp__a', '_mcp__a', toCodexToolName('mcp__a'), 'a.b', 'a b', 'a_b', 'x'.repeat(65), 'x'.repeat(64)];
    expect(new Set(names.map(toCodexToolName)).size).toBe(names.length);
  });
});

describe('The tools of the caller', () => {
  it('are in a namespace of their own, and say where they run', () => {
    const { specs, byCarriedName } = toCarriedTools({ tools: [tool('a.b')], allowsParallelCalls: false });
    expect(specs).toMatchObject([{ type: 'namespace', name: CALLER_NAMESPACE }]);
    expect(specsOf(tool('read'))).toEqual([
      {
        type: 'function',
        name: 'read',
        description: "Reads a file.\n\n(Runs on the caller's machine, not in your workspace.)",
        inputSchema: { type: 'object' },
      },
    ]);
    expect(byCarriedName.get(toCodexToolName('a.b'))?.name).toBe('a.b');
  });

  it('are no namespace if there are none', () => {
    expect(toCarriedTools(undefined).specs).toEqual([]);
  });

  it('may be deferred, and have no input that Codex refuses', () => {
    const [first, second] = specsOf(tool('a', { isDeferred: true }), tool('b', { inputSchema: { type: 'null' } }));
    expect(first).toMatchObject({ deferLoading: true });
    expect(second).toMatchObject({ inputSchema: { type: 'object' } });
  });
});
