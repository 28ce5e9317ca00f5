import { describe, expect, it } from 'vitest';
import { callerOf, isSideRequest } from './caller.js';

describe('the caller', () => {
  it.each([
    ['claude-cli/2.1.330 (external, sdk-cli)', undefined, 'claude-code'],
    [undefined, 'cli', 'claude-code'],
    ['a proxy', 'cli-bg', 'claude-code'],
    ['Anthropic/JS 1.12.0', undefined, 'sdk'],
    ['not claude-cli/2', 'web', 'sdk'],
    [undefined, undefined, 'sdk'],
  ])('with user-agent %j and x-app %j is %s', (userAgent, xApp, caller) => {
    expect(callerOf({ userAgent, xApp })).toBe(caller);
  });
});

describe('a side request', () => {
  const main = { caller: 'claude-code', hasTools: true, hasOutputFormat: false, agentId: undefined } as const;

  it('is a title, or a sub-agent’s, of Claude Code', () => {
    expect(isSideRequest({ ...main, hasTools: false, hasOutputFormat: true })).toBe(true);
    expect(isSideRequest({ ...main, hasTools: false })).toBe(true);
    expect(isSideRequest({ ...main, hasOutputFormat: true })).toBe(true);
    expect(isSideRequest({ ...main, agentId: 'a' })).toBe(true);
  });

  it('is neither the real request, nor anything of another client', () => {
    expect(isSideRequest(main)).toBe(false);
    expect(isSideRequest({ caller: 'sdk', hasTools: false, hasOutputFormat: true, agentId: 'a' })).toBe(false);
  });
});
