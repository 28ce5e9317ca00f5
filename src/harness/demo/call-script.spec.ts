import { describe, expect, it } from 'vitest';
import { nextSteps, parseCallScript } from './call-script.js';

const call = (name: string, input = {}) => ({ name, input });
const tools = (allowsParallelCalls: boolean, ...names: readonly string[]) => ({
  tools: names.map((name) => ({
    name,
    description: '',
    inputSchema: { type: 'object' },
    isStrict: false,
    isDeferred: false,
  })),
  allowsParallelCalls,
});

describe(parseCallScript.name, () => {
  it('makes consecutive calls at once, and those after another line later', () => {
    expect(parseCallScript('/call a {"x":1}\n/call b\nthen\n/call c\n!echo hi\ndone')).toEqual([
      { kind: 'calls', calls: [call('a', { x: 1 }), call('b')] },
      { kind: 'calls', calls: [call('c')] },
      { kind: 'shell', command: 'echo hi' },
      { kind: 'say', text: 'done' },
    ]);
  });

  it.each(['hello', '!echo /call', 'what does /call do?'])('is not meant for %j', (prompt) => {
    expect(parseCallScript(prompt)).toBeUndefined();
  });
});

describe(nextSteps.name, () => {
  const steps = parseCallScript('/call a\n/call b') ?? [];

  it('has all calls of tools that the caller offers', () => {
    expect(nextSteps(steps, tools(true, 'a', 'b'))).toEqual(steps);
    expect(nextSteps(steps, tools(true, 'b'))).toEqual([
      { kind: 'say', text: 'The caller has no tool a.' },
      { kind: 'calls', calls: [call('b')] },
    ]);
    expect(nextSteps(steps, undefined)).toHaveLength(2);
  });

  it('has one call at a time if the caller wants so', () => {
    expect(nextSteps(steps, tools(false, 'a', 'b'))).toEqual([
      { kind: 'calls', calls: [call('a')] },
      { kind: 'calls', calls: [call('b')] },
    ]);
  });
});
