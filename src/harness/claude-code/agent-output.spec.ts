import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import { recording } from './__fixtures__/recordings.js';
import { AgentOutput } from './agent-output.js';

const lines = recording('claude-caller-tools');
const isRequest = (line: string) => line.includes('"control_request"');
const complete = lines.findIndex((line) => line.includes('"type":"message_delta"')) + 1;
const message = lines.slice(0, complete).filter((line) => !isRequest(line));
const rest = lines.slice(complete).filter((line) => !isRequest(line));

describe('the output of a process with tools of the caller', () => {
  let events: HarnessEvent[];
  let withdrawn: string[];
  let output: AgentOutput;

  beforeEach(() => {
    vi.useFakeTimers();
    events = [];
    withdrawn = [];
    output = new AgentOutput({
      toOwnName: (name) => name,
      allowsParallelCalls: true,
      onEvents: (batch) => events.push(...batch),
      onWithdraw: (uuid) => withdrawn.push(uuid),
      onBadLine: () => undefined,
    });
    output.startTurn(undefined);
  });
  afterEach(() => {
    output.close();
    vi.useRealTimers();
  });

  const add = (id: string) => output.addCall({ id, name: id === 'toolu_1' ? 'look' : 'hear', input: {} });
  const outline = () =>
    events
      .filter(({ type }) => /^(tool|caller|turn|user)/.test(type))
      .map((event) => ('id' in event ? `${event.type} ${event.id}` : event.type));

  it('parks the turn as soon as the message is complete and its calls wait', () => {
    output.read(message);
    add('toolu_1');
    add('toolu_2');
    output.read(rest.filter((line) => line.includes('toolu_b') || line.includes('toolu_c')));
    expect(outline()).toEqual([
      'tool-call toolu_b',
      'tool-result toolu_b',
      'caller-tool-call toolu_1',
      'caller-tool-call toolu_2',
      'turn-end',
    ]);
    expect([output.isWaiting, output.waitsFor(['toolu_2', 'toolu_1']), output.waitsFor(['toolu_1'])]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('keeps what comes then for the turn that brings the results', () => {
    output.read(message);
    add('toolu_1');
    add('toolu_2');
    vi.runAllTimers();
    events.length = 0;
    output.read(rest.filter((line) => line.includes('toolu_b') || line.includes('toolu_c')));
    expect(events).toEqual([]);
    output.continueTurn();
    output.read(rest.filter((line) => !line.includes('toolu_b') && !line.includes('toolu_c')));
    expect(outline()).toEqual([
      'tool-call toolu_b',
      'tool-call toolu_c',
      'tool-result toolu_c',
      'tool-result toolu_b',
      'turn-end',
    ]);
  });

  it('parks it a little later with the calls that wait if others do not come', () => {
    output.read(message);
    add('toolu_1');
    expect(output.isWaiting).toBe(false);
    vi.runAllTimers();
    expect(outline().slice(-2)).toEqual(['caller-tool-call toolu_1', 'turn-end']);
  });

  it('does not park it for calls that end before', () => {
    output.read(message);
    add('toolu_1');
    output.removeCall('toolu_1');
    vi.runAllTimers();
    expect(output.isWaiting).toBe(false);
  });

  it('withdraws a further message when it parks the turn', async () => {
    output.read(message);
    const heard = output.expectMessage('uuid', 'm1');
    add('toolu_1');
    add('toolu_2');
    vi.runAllTimers();
    expect(withdrawn).toEqual(['uuid']);
    await expect(heard).resolves.toBe(false);
    expect(output.expectedMessages).toEqual([]);
  });

  it('cannot be continued once Claude Code has ended the turn by itself', () => {
    output.read(message);
    add('toolu_1');
    add('toolu_2');
    vi.runAllTimers();
    output.read(rest);
    expect(output.waitsFor(['toolu_1', 'toolu_2'])).toBe(false);
  });
});
