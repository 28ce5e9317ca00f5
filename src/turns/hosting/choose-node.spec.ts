import { describe, expect, it } from 'vitest';
import type { Node } from '../../storage/stores/node.store.js';
import { chooseNode } from './choose-node.js';

function node(id: string, running: number, more: Partial<Node> = {}, isDiskLow = false): Node {
  return {
    id,
    incarnation: 'one',
    name: id,
    role: 'all',
    url: `http://${id}`,
    state: 'up',
    silentMs: 0,
    load: { running, pending: 0, slots: 10, isDiskLow },
    ...more,
  };
}

describe('the server for a new thread', () => {
  it.each<[string, readonly Node[], string | undefined]>([
    ['is this one while it has room', [node('self', 9), node('idle', 0)], 'self'],
    ['is the least used one once this one is full', [node('self', 10), node('busy', 8), node('idle', 1)], 'idle'],
    [
      'is the least used one, seen from a gateway',
      [node('self', 0, { role: 'gateway' }), node('a', 5), node('b', 4)],
      'b',
    ],
    ['is none that drains', [node('a', 0, { state: 'draining' }), node('b', 9)], 'b'],
    ['is none whose disk is almost full', [node('a', 0, {}, true), node('b', 9)], 'b'],
    ['is the one with the shortest queue when all are full', [node('a', 30), node('b', 20)], 'b'],
    ['is missing when there are gateways only', [node('self', 0, { role: 'gateway' })], undefined],
  ])('%s', (_, nodes, expected) => {
    expect(chooseNode(nodes, 'self')?.id).toBe(expected);
  });
});
