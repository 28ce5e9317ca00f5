import { describe, expect, it } from 'vitest';
import type { HarnessEvent } from '../../domain/harness-event.js';
import {
  addArrival,
  checkReadiness,
  holdEvents,
  NO_PARKING,
  park,
  type Parking,
  releaseParked,
  removeCalls,
  sortEvents,
  STILL_RUNNING,
} from './parking.js';

const call = (id: string, server = 'agent', name = 'Bash'): HarnessEvent => ({
  type: 'tool-call',
  id,
  name,
  server,
  input: {},
});
const asks = (id: string): HarnessEvent => call(id, 'caller', 'look');
const result = (id: string): HarnessEvent => ({ type: 'tool-result', id, content: [], isError: false });
const usage = {
  inputTokens: 1,
  outputTokens: 1,
  cacheReadInputTokens: 0,
  cacheCreationInputTokens: 0,
  thinkingTokens: 0,
};
const begins: HarnessEvent = { type: 'model-call-start', model: 'm', usage };
const ownName = (name: string): string => `my ${name}`;

const sort = (events: readonly HarnessEvent[], from = NO_PARKING) => sortEvents(from, events, ownName);
const arrive = (parking: Parking, ...ids: readonly string[]): Parking =>
  ids.reduce((state, id) => addArrival(state, { id, name: 'my look', input: {} }), parking);

describe('the calls of the caller’s tools', () => {
  it('are emitted only when the turn is parked, in the model’s order and under the caller’s names', () => {
    const [known, emitted] = sort([begins, asks('c1'), asks('c2')]);
    expect(emitted).toEqual([begins]);
    const [, ending] = park(arrive(known, 'c2', 'c1'), true);
    expect(ending).toEqual([
      { type: 'caller-tool-call', id: 'c1', name: 'my look', input: {} },
      { type: 'caller-tool-call', id: 'c2', name: 'my look', input: {} },
    ]);
  });

  it('park a turn once the message is complete and all of them wait', () => {
    const [known] = sort([asks('c1'), asks('c2')]);
    expect(checkReadiness(known, false, true)).toBe('no');
    expect(checkReadiness(arrive(known, 'c1', 'c2'), true, true)).toBe('no');
    expect(checkReadiness(arrive(known, 'c1'), false, true)).toBe('soon');
    expect(checkReadiness(arrive(known, 'c1', 'c2'), false, true)).toBe('now');
  });

  it('park a turn one by one without parallel calls', () => {
    const [known] = sort([asks('c1'), asks('c2')]);
    const waiting = arrive(known, 'c1');
    expect(checkReadiness(waiting, false, false)).toBe('now');
    const [parked, ending] = park(waiting, false);
    expect(ending).toMatchObject([{ id: 'c1' }]);
    const [next] = releaseParked(parked);
    expect(checkReadiness(next, false, false)).toBe('no');
    expect(park(arrive(next, 'c2'), false)[1]).toMatchObject([{ id: 'c2' }]);
  });

  it('of a sub-agent park a turn, too', () => {
    expect(park(arrive(NO_PARKING, 'c9'), true)[1]).toMatchObject([{ type: 'caller-tool-call', id: 'c9' }]);
  });

  it('never emit their results', () => {
    const [known] = sort([asks('c1')]);
    const [parked] = park(arrive(known, 'c1'), true);
    const [next] = releaseParked(parked);
    expect(sort([result('c1'), begins], next)[1]).toEqual([begins]);
  });

  it('of a message that was given up do not keep a later one from parking', () => {
    const [given] = sort([asks('c1')]);
    const [known] = sort([begins, asks('c2')], given);
    expect(checkReadiness(arrive(known, 'c2'), false, true)).toBe('now');
  });

  it('that ended without a result of the caller do not park the turn', () => {
    const [known] = sort([asks('c1')]);
    expect(checkReadiness(removeCalls(arrive(known, 'c1'), new Set(['c1'])), false, true)).toBe('no');
  });
});

describe('the agent’s own calls beside them', () => {
  it('behind a call of the caller’s tools are emitted with their results in the next turn', () => {
    const [known, emitted] = sort([call('b1'), result('b1'), asks('c1'), call('b2'), result('b2')]);
    expect(emitted).toEqual([call('b1'), result('b1')]);
    const [parked] = park(arrive(known, 'c1'), true);
    expect(releaseParked(parked)[1]).toEqual([call('b2'), result('b2')]);
  });

  it('that still run end in this turn with a result that says so, and once more in the next', () => {
    const [known] = sort([call('b1'), asks('c1')]);
    const waiting = arrive(known, 'c1');
    expect(checkReadiness(waiting, false, true)).toBe('soon');
    const [parked, ending] = park(waiting, true);
    expect(ending).toMatchObject([
      { type: 'tool-result', id: 'b1', content: [{ text: STILL_RUNNING }], isError: false },
      { type: 'caller-tool-call', id: 'c1' },
    ]);
    const [later] = sort([result('b1')], parked);
    expect(releaseParked(later)[1]).toEqual([call('b1'), result('b1')]);
  });

  it('that still run when the next turn begins, and when it is parked, too, are emitted as often', () => {
    const [known] = sort([call('b1'), asks('c1')]);
    const [parked] = park(arrive(known, 'c1'), true);
    const [next, held] = releaseParked(parked);
    expect(held).toEqual([call('b1')]);
    expect(park(arrive(next, 'c2'), true)[1]).toMatchObject([
      { type: 'tool-result', id: 'b1' },
      { type: 'caller-tool-call', id: 'c2' },
    ]);
  });

  it('are emitted after all if the turn is not parked', () => {
    const [known] = sort([asks('c1'), call('b1')]);
    expect(sort([result('c1'), result('b1')], known)[1]).toEqual([call('b1'), result('b1')]);
  });
});

it('events of a parked process are kept for the next turn in order', () => {
  const [parked] = park(arrive(NO_PARKING, 'c1'), true);
  const held = holdEvents(holdEvents(parked, [call('b1')]), [result('b1')]);
  expect(releaseParked(held)[1]).toEqual([call('b1'), result('b1')]);
});
