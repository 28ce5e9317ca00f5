import type { Node } from '../../storage/stores/node.store.js';

/** Whether a server runs turns of threads that are new to it. */
export function takesThreads({ role, state, load }: Node): boolean {
  return role !== 'gateway' && state === 'up' && !load.isDiskLow;
}

/** How much of a server is taken: above 1, turns wait. */
function computeUse({ id, load }: Node, placed: ReadonlyMap<string, number>): number {
  return (load.running + load.pending + (placed.get(id) ?? 0)) / Math.max(1, load.slots);
}

/**
 * Chooses the server for a thread that none has: this one as long as it has room, as nothing is nearer, and otherwise the one that is used
 * the least. `undefined` if none takes any.
 *
 * @param nodes those that live.
 * @param self the id of this server.
 * @param placed how many threads this server has given to each one since they told their load.
 */
export function chooseNode(
  nodes: readonly Node[],
  self: string,
  placed: ReadonlyMap<string, number> = new Map(),
): Node | undefined {
  const useOf = (node: Node): number => computeUse(node, placed);
  const candidates = nodes.filter(takesThreads).toSorted((one, other) => useOf(one) - useOf(other));
  const own = candidates.find(({ id }) => id === self);
  return own !== undefined && useOf(own) < 1 ? own : candidates[0];
}
