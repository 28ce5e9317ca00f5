import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HarnessEvent } from '../../../domain/harness-event.js';
import { PromptOutput } from './prompt-output.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const text = (words: string): HarnessEvent => ({ type: 'text-delta', id: 't', text: words });
const tool = (id: string, name: string, server: string): HarnessEvent => ({
  type: 'tool-call',
  id,
  name,
  server,
  input: {},
});
const result = (id: string): HarnessEvent => ({ type: 'tool-result', id, content: [], isError: false });
const end: HarnessEvent = { type: 'turn-end', reason: 'end_turn' };
const called = (id: string, name = 'Look') => ({ type: 'caller-tool-call', id, name, input: {} });
const waits = { type: 'turn-end', reason: 'tool_use' };

function start(allowsParallelCalls = true) {
  const emitted: HarnessEvent[] = [];
  const output = new PromptOutput({
    toOwnName: (name) => (name === 'look' ? 'Look' : name),
    allowsParallelCalls,
    onEvents: (events) => emitted.push(...events),
  });
  return { output, emitted, arrive: (id: string) => output.addCall({ id, name: 'Look', input: {} }) };
}

describe('what an agent tells while it works on a prompt', () => {
  it('passes as it is without calls of the caller’s tools', () => {
    const { output, emitted } = start();
    output.emit([text('a'), tool('b', 'bash', 'agent'), result('b'), end]);
    expect(emitted).toEqual([text('a'), tool('b', 'bash', 'agent'), result('b'), end]);
  });

  it('ends the turn with the calls that wait, and goes on in the turn that brings the results', () => {
    const { output, emitted, arrive } = start();
    output.emit([tool('a1', 'look', 'caller'), tool('a2', 'look', 'caller')]);
    arrive('m1');
    arrive('m2');
    vi.runAllTimers();
    expect(emitted).toEqual([called('a1'), called('a2'), waits]);
    expect([output.isParked, output.waitsFor(['a2', 'a1']), output.waitsFor(['a1'])]).toEqual([true, true, false]);
    output.continueTurn();
    output.emit([result('a1'), result('a2'), text('done'), end]);
    expect(emitted.slice(3)).toEqual([text('done'), end]);
  });

  it('waits a moment for tools of the agent’s own, which the next turn tells again', () => {
    const { output, emitted, arrive } = start();
    output.emit([tool('b', 'bash', 'agent')]);
    arrive('m1');
    vi.runAllTimers();
    expect(emitted).toMatchObject([{ id: 'b' }, { type: 'tool-result', id: 'b' }, called('m1'), waits]);
    output.emit([result('b')]);
    output.continueTurn();
    expect(emitted.slice(4)).toEqual([tool('b', 'bash', 'agent'), result('b')]);
  });

  it('has one call per turn where the caller wants no more', () => {
    const { output, emitted, arrive } = start(false);
    arrive('m1');
    arrive('m2');
    vi.runAllTimers();
    expect(emitted).toEqual([called('m1'), waits]);
    output.continueTurn();
    vi.runAllTimers();
    expect(emitted.slice(2)).toEqual([called('m2'), waits]);
  });

  it('does not wait for a call that the agent has given up', () => {
    const { output, emitted, arrive } = start();
    output.removeCall(arrive('m1'));
    vi.runAllTimers();
    expect(emitted).toEqual([]);
  });

  it('waits for no result that comes after its end', () => {
    const { output, arrive } = start();
    arrive('m1');
    vi.runAllTimers();
    output.emit([end]);
    expect(output.waitsFor(['m1'])).toBe(false);
  });
});
