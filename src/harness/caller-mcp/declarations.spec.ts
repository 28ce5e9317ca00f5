import { describe, expect, it } from 'vitest';
import type { CallerTool } from '../../domain/caller-tool.js';
import { declareTools } from './declarations.js';
import { toOwnNames, toServerToolName } from './names.js';

const tool = (more: Partial<CallerTool> = {}): CallerTool => ({
  name: 'look',
  description: 'Looks.',
  inputSchema: { type: 'object', properties: { q: {} } },
  isStrict: false,
  isDeferred: false,
  ...more,
});

describe('the declaration of a caller’s tool', () => {
  it('says first whose side it runs on, then what the caller says of it', () => {
    const [declared] = declareTools({ tools: [tool()], allowsParallelCalls: true });
    expect(declared?.description).toMatch(/^This tool belongs to the caller .*outside your workspace[^]*\n\nLooks\.$/);
  });

  it('lets calls run at the same time unless the caller forbids it', () => {
    const readOnly = (allowsParallelCalls: boolean) =>
      declareTools({ tools: [tool()], allowsParallelCalls })[0]?.annotations.readOnlyHint;
    expect([readOnly(true), readOnly(false)]).toEqual([true, false]);
  });

  it('is loaded at once unless the tool may be searched for', () => {
    const [now, later] = declareTools({ tools: [tool(), tool({ isDeferred: true })], allowsParallelCalls: true });
    expect([now?._meta, later?._meta]).toEqual([{ 'anthropic/alwaysLoad': true }, undefined]);
  });

  it('has a schema of an object, as MCP wants', () => {
    const [declared] = declareTools({ tools: [tool({ inputSchema: { properties: {} } })], allowsParallelCalls: true });
    expect(declared?.inputSchema).toEqual({ type: 'object', properties: {} });
  });
});

describe('the name of a caller’s tool', () => {
  it('is found again by that of the server, or is taken for the same', () => {
    const toOwnName = toOwnNames({ tools: [tool({ name: 'a.b' })], allowsParallelCalls: true });
    expect([toOwnName(toServerToolName('a.b')), toOwnName('gone')]).toEqual(['a.b', 'gone']);
  });
});
