import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  findCancelledOutputs,
  findCompleteMessage,
  findOpenCalls,
  findOpenCallsSince,
  findOutputs,
  parseRolloutLines,
  readAnsweredCallId,
  type RolloutLine,
} from './rollout-lines.js';

const read = (name: string) => readFileSync(new URL(`../__fixtures__/${name}.jsonl`, import.meta.url));
const parked = parseRolloutLines(read('rollout-parked'), 0, true);
const cancelled = parseRolloutLines(read('rollout-cancelled'), 0, true);
const idsOf = (calls: readonly { readonly id: string }[]) => calls.map(({ id }) => id);

function lineOf(type: string, payload: RolloutLine['payload']): RolloutLine {
  return { offset: 0, ordinal: 0, type, payload };
}

describe('The lines of a recording', () => {
  it('are read with their places', () => {
    const bytes = read('rollout-parked');
    for (const { offset, ordinal } of parked) {
      expect(bytes.toString('utf8', offset)).toMatch(new RegExp(`^\\{"timestamp":"[^"]+","ordinal":${ordinal},`));
    }
    expect(parked.length).toBe(bytes.toString('utf8').trim().split('\n').length);
  });

  it('are read from the middle, without the halves at both ends', () => {
    const bytes = read('rollout-parked');
    const [second, last] = [parked[1], parked.at(-1)];
    if (second === undefined || last === undefined) throw new Error('too short');
    const middle = parseRolloutLines(bytes.subarray(5, last.offset + 10), 5, false);
    expect(middle.map(({ offset }) => offset)).toEqual(parked.slice(1, -1).map(({ offset }) => offset));
    const whole = parseRolloutLines(bytes.subarray(second.offset), second.offset, true);
    expect(whole[0]).toEqual(second);
  });
});

describe('The message that made a call', () => {
  it('is complete with the record of its tokens', () => {
    const message = findCompleteMessage(parked, 'call_b');
    expect(idsOf(message?.calls ?? [])).toEqual(['call_a', 'call_s', 'call_b']);
    expect(message?.calls[0]).toMatchObject({ name: 'look_up', namespace: 'caller', input: { text: 'heron' } });
    expect(message?.usage).toMatchObject({ input_tokens: 400, output_tokens: 25 });
  });

  it('is not complete before it, and unknown without the call', () => {
    const end = parked.findIndex(({ type }) => type === 'token_usage_record');
    expect(findCompleteMessage(parked.slice(0, end), 'call_b')).toBeUndefined();
    expect(findCompleteMessage(parked, 'other')).toBeUndefined();
  });

  it('has no call of the message before', () => {
    const call = (id: string) =>
      lineOf('response_item', { type: 'function_call', call_id: id, name: 'n', arguments: '{}' });
    const output = lineOf('response_item', { type: 'function_call_output', call_id: 'c0' });
    const usage = lineOf('token_usage_record', { usage: {} });
    const message = findCompleteMessage([call('c0'), usage, output, call('c1'), usage], 'c1');
    expect(idsOf(message?.calls ?? [])).toEqual(['c1']);
  });
});

describe('Calls without an output', () => {
  it('are all of a message that waits, and none of one that was stopped', () => {
    expect(idsOf(findOpenCalls(parked))).toEqual(['call_a', 'call_s', 'call_b']);
    expect(findOpenCalls(cancelled)).toEqual([]);
  });

  it('of an earlier turn do not count', () => {
    const start = (turnId: string) => lineOf('event_msg', { type: 'task_started', turn_id: turnId });
    expect(findOpenCallsSince([...parked, start('later')], 'later')).toEqual([]);
    expect(findOpenCallsSince([...parked, start('later')], 'unknown')).toHaveLength(3);
  });
});

describe('Outputs that a stopping Codex made up', () => {
  it('begin after what its own tools recorded', () => {
    const place = findCancelledOutputs(cancelled);
    const kept = cancelled.filter(({ offset }) => offset < (place ?? 0));
    expect(kept.map(({ type, payload }) => [type, payload['type']])).toEqual(
      parked.map(({ type, payload }) => [type, payload['type']]),
    );
    expect(idsOf(findOpenCalls(kept))).toEqual(['call_a', 'call_s', 'call_b']);
  });

  it('begin with one of its own tool, whose item stays', () => {
    const ends = [/call_s","output":"[^"]*"/, 'call_s","output":"Wall time: 0.2 seconds\\naborted by user"'] as const;
    const text = read('rollout-cancelled')
      .toString('utf8')
      .replace(...ends);
    const lines = text.trim().split('\n');
    const outputOf = (id: string) => lines.findIndex((line) => line.includes(`"call_id":"${id}","output"`));
    // Codex answers the calls of a message in their order: here its own tool was called first.
    const [own] = lines.splice(outputOf('call_s'), 1);
    lines.splice(
      lines.findIndex((line) => line.includes('"item_completed"') && line.includes('"id":"call_a"')),
      0,
      own ?? '',
    );
    const edited = parseRolloutLines(Buffer.from(`${lines.join('\n')}\n`), 0, true);
    const kept = edited.filter(({ offset }) => offset < (findCancelledOutputs(edited) ?? 0));
    expect(idsOf(findOpenCalls(kept))).toEqual(['call_a', 'call_s', 'call_b']);
    expect(kept.at(-1)?.payload).toMatchObject({ type: 'item_completed', item: { id: 'call_s' } });
  });

  it('stay when the model has heard of them', () => {
    expect(findCancelledOutputs([...cancelled, lineOf('event_msg', { type: 'task_started' })])).toBeUndefined();
    expect(findCancelledOutputs(parked)).toBeUndefined();
  });
});

describe('The outputs of calls', () => {
  it('begin at the item of the first of them', () => {
    const place = findOutputs(cancelled, new Set(['call_b', 'call_a']));
    expect(place).toBe(findCancelledOutputs(cancelled));
    const answered = cancelled
      .filter(({ offset }) => offset >= (place ?? 0))
      .flatMap((line) => readAnsweredCallId(line) ?? []);
    expect(answered).toEqual(['call_a', 'call_s', 'call_b']);
    expect(findOutputs(cancelled, new Set(['other']))).toBeUndefined();
  });
});
