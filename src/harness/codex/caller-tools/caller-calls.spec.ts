import { describe, expect, it } from 'vitest';
import type { CallerTool } from '../../../domain/caller-tool.js';
import type { JsonObject, JsonValue } from '../../../domain/harness-event.js';
import type { RecordedCall } from '../record/rollout-lines.js';
import { DynamicToolCalls } from './caller-calls.js';
import { toCarriedTools } from './carried-tools.js';
import { toTextOutput } from './tool-output.js';

const tool = (name: string, isStrict = false): CallerTool => ({
  name,
  description: '',
  inputSchema: {},
  isStrict,
  isDeferred: false,
});
const call = (id: string, name = 'read', input: JsonObject | undefined = {}): RecordedCall => ({
  id,
  name,
  namespace: 'caller',
  input,
  isCustom: false,
});

function open({ allowsParallelCalls = true, problem = undefined as string | undefined } = {}) {
  const answers: { readonly id: JsonValue; readonly result: JsonObject }[] = [];
  const tools = toCarriedTools({ tools: [tool('read'), tool('strict', true)], allowsParallelCalls });
  const calls = new DynamicToolCalls(
    tools,
    (id, result) => answers.push({ id, result }),
    () => Promise.resolve(problem),
  );
  const emitted = async () => {
    await calls.checked();
    return calls.takeEmittable().map(({ id }) => id);
  };
  return { calls, answers, emitted };
}

describe('The calls of the caller’s tools', () => {
  it('go out once, in their order, under the caller’s names', async () => {
    const { calls, emitted } = open();
    calls.add(call('a'));
    calls.add(call('b'));
    calls.add(call('a'));
    expect(await emitted()).toEqual(['a', 'b']);
    expect(await emitted()).toEqual([]);
    expect(calls.open).toEqual(['a', 'b']);
  });

  it('go out one by one for a caller that wants it so', async () => {
    const { calls, emitted } = open({ allowsParallelCalls: false });
    calls.add(call('a'));
    calls.add(call('b'));
    expect(await emitted()).toEqual(['a']);
    expect(await emitted()).toEqual([]);
    calls.settle('a', toTextOutput('x', false));
    expect(await emitted()).toEqual(['b']);
  });

  it('are answered when Codex has requested them, before the result or after it', async () => {
    const { calls, answers, emitted } = open();
    calls.add(call('a'));
    calls.add(call('b'));
    calls.request('a', 1);
    await emitted();
    calls.settle('a', toTextOutput('one', false));
    calls.settle('b', toTextOutput('two', true));
    calls.settle('b', toTextOutput('three', false));
    expect(answers).toMatchObject([{ id: 1, result: { success: true } }]);
    calls.request('b', 2);
    expect(answers).toMatchObject([{ id: 1 }, { id: 2, result: { success: false } }]);
    expect(JSON.stringify(answers)).not.toContain('three');
  });

  it.each([
    ['of a tool that is gone', call('a', 'gone'), 'no such tool'],
    ['whose input is no object', { ...call('a'), input: undefined }, 'not a JSON object'],
    ['whose input violates a strict schema', call('a', 'strict'), 'wrong'],
  ])('do not go out, but are answered, %s', async (_, made, words) => {
    const { calls, answers, emitted } = open({ problem: 'wrong' });
    calls.add(made);
    calls.request('a', 1);
    expect(await emitted()).toEqual([]);
    expect(answers).toMatchObject([{ id: 1, result: { success: false } }]);
    expect(JSON.stringify(answers)).toContain(words);
  });

  it('are kept with their answers when no process requests them', async () => {
    const { calls, emitted } = open();
    calls.add(call('a', 'gone'));
    await emitted();
    expect([...calls.refused.keys()]).toEqual(['a']);
  });

  it('of a strict tool go out with a valid input', async () => {
    const { calls, emitted } = open();
    calls.add(call('a', 'strict'));
    expect(await emitted()).toEqual(['a']);
  });
});
