import { describe, expect, it } from 'vitest';
import type { HarnessEvent, JsonObject } from '../../../domain/harness-event.js';
import { NO_CALL_IDS, takeArrival, takeEvents } from './call-ids.js';

const told = (id: string, name: string, input: JsonObject = {}, server = 'caller'): HarnessEvent => ({
  type: 'tool-call',
  id,
  name,
  server,
  input,
});
const over = (id: string): HarnessEvent => ({ type: 'tool-result', id, content: [], isError: false });

describe('a call of a caller’s tool', () => {
  it('keeps the agent’s id if the agent tells it first', () => {
    const [ids, events] = takeEvents(NO_CALL_IDS, [told('a1', 'look', { at: 1 }), told('a2', 'look', { at: 2 })]);
    expect(events).toEqual([told('a1', 'look', { at: 1 }), told('a2', 'look', { at: 2 })]);
    const [next, second] = takeArrival(ids, { id: 'm1', name: 'look', input: { at: 2 } });
    const [, first] = takeArrival(next, { id: 'm2', name: 'look', input: { at: 1 } });
    expect([second.id, first.id]).toEqual(['a2', 'a1']);
  });

  it('keeps the id that it got if it arrives first, also in its result', () => {
    const [ids, call] = takeArrival(NO_CALL_IDS, { id: 'm1', name: 'look', input: {} });
    expect(call.id).toBe('m1');
    const [next, events] = takeEvents(ids, [told('a1', 'look'), over('a1')]);
    expect(events).toEqual([told('m1', 'look'), over('m1')]);
    expect(next.arrived.size).toBe(0);
  });

  it('is the one that waits where the agent tells neither name nor input', () => {
    const [ids] = takeEvents(NO_CALL_IDS, [told('a1', 'get the weather')]);
    expect(takeArrival(ids, { id: 'm1', name: 'get_weather', input: { city: 'Paris' } })[1].id).toBe('a1');
  });

  it('is not one that ended, nor one of the agent’s own', () => {
    const [ids] = takeEvents(NO_CALL_IDS, [told('a1', 'look'), over('a1'), told('b1', 'look', {}, 'agent')]);
    expect(takeArrival(ids, { id: 'm1', name: 'look', input: {} })[1].id).toBe('m1');
  });
});
