import { expect, it } from 'vitest';
import type { NodeWithTimes } from '../storage/stores/node.store.js';
import { sortNodes, toNodeView } from './node-views.js';

const NODE: NodeWithTimes = {
  id: 'a',
  incarnation: '1',
  name: 'a',
  role: 'worker',
  url: 'http://a',
  state: 'up',
  load: { running: 2, pending: 3, slots: 4, isDiskLow: true },
  silentMs: 5,
  startedAt: 0,
  seenAt: 1000,
};

it.each([
  ['up', 2, 3],
  ['draining', 2, 3],
  ['stopped', 0, 0],
  ['lost', 0, 0],
] as const)('a server that is %s has %d turns that run and %d that wait', (state, running, waiting) => {
  expect(toNodeView({ ...NODE, state })).toMatchObject({ state, running_turns: running, waiting_turns: waiting });
});

it('servers that live come first by name, then those that stopped, then lost ones', () => {
  const nodes = [
    { ...NODE, name: 'lost', state: 'lost' },
    { ...NODE, name: 'stopped', state: 'stopped' },
    { ...NODE, name: 'z', state: 'up' },
    { ...NODE, name: 'b', state: 'draining' },
    { ...NODE, name: 'stopped', state: 'stopped', seenAt: 2000 },
  ] as const;
  expect(sortNodes(nodes).map(({ name, seenAt }) => [name, seenAt])).toEqual([
    ['b', 1000],
    ['z', 1000],
    ['stopped', 2000],
    ['stopped', 1000],
    ['lost', 1000],
  ]);
});
