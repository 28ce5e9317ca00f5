import { describe, expect, it } from 'vitest';
import { assertPermitted, type AskedWork, findForbidden, modelOf } from './permissions.js';
import type { Policy } from './policy.js';

const WORK: AskedWork = {
  harness: 'claude-code',
  model: 'claude-opus-5-5',
  toolBlocks: 'mcp',
  hasCallerTools: true,
  hasCallerSystem: true,
  threadKey: 'ci:build-7',
};

describe(findForbidden.name, () => {
  it.each([
    {},
    { harnesses: ['codex', 'claude-code'] },
    { models: ['gpt-*', 'CLAUDE-*'] },
    { models: ['claude-opus-5-5'] },
    { tool_blocks: ['mcp', 'none'] },
    { caller_tools: true, caller_system: true },
    { thread_key_prefixes: ['x:', 'ci:'] },
    { concurrent_turns: 0, requests_per_minute: 0, tokens_per_day: 0, usd_per_month: 0 },
  ] satisfies readonly Policy[])('finds nothing where the policy allows it: %j', (policy) => {
    expect(findForbidden(policy, WORK)).toBeUndefined();
  });

  it.each([
    [{ harnesses: ['codex', 'demo'] }, 'the harness claude-code: it allows codex, demo.'],
    [
      { models: ['claude-opus', 'claude-sonnet-*'] },
      'the model claude-opus-5-5: it allows claude-opus, claude-sonnet-*.',
    ],
    [{ models: ['opus'] }, 'the model claude-opus-5-5: it allows opus.'],
    [{ tool_blocks: ['text', 'none'] }, 'tools as mcp: it allows x-chiron-tool-blocks text, none.'],
    [{ thread_key_prefixes: ['x:', 'c:'] }, 'the thread ci:build-7: keys of threads begin with x:, c:.'],
    [{ caller_tools: false }, 'tools of the caller.'],
    [{ caller_system: false }, 'a system prompt of the caller.'],
  ] satisfies readonly (readonly [Policy, string])[])('says what is not allowed: %j', (policy, problem) => {
    expect(findForbidden(policy, WORK)).toBe(problem);
    expect(findForbidden(policy, {})).toBeUndefined();
  });
});

describe(assertPermitted.name, () => {
  it('asks each policy, and says whose it is', () => {
    const of = (key: Policy, tenant: Policy) => () =>
      assertPermitted(
        [
          { subject: { kind: 'key', keyId: 'key_1' }, policy: key },
          { subject: { kind: 'tenant', tenant: 'acme' }, policy: tenant },
        ],
        WORK,
      );
    expect(of({}, {})).not.toThrow();
    expect(of({ caller_tools: false }, {})).toThrow('The policy of this key does not allow tools of the caller.');
    expect(of({}, { caller_tools: false })).toThrow('The policy of this tenant does not allow tools of the caller.');
  });
});

it('the model of an agent without one is the name of its harness', () => {
  expect([modelOf('codex', 'gpt-5.5'), modelOf('codex', undefined)]).toEqual(['gpt-5.5', 'codex']);
});
