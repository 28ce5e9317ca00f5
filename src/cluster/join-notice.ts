import type { Node } from '../storage/stores/node.store.js';
import type { PeerClient } from './peer-client.js';
import type { PeerServer } from './peer-server.js';

const CALL = 'joined';

/** Looks for the servers again whenever another one says that it has joined, so that it is known before the next heartbeat. */
export function answerJoin(server: PeerServer, refresh: () => Promise<void>): void {
  server.handle(CALL, async () => {
    await refresh();
    return {};
  });
}

/**
 * Tells servers that this one has joined, each for at most `timeoutMs`. Resolves to how many were not told: they are gone, cannot be reached or
 * are of a version without this call, and learn of it with their next heartbeat.
 */
export async function tellJoined(client: PeerClient, nodes: readonly Node[], timeoutMs: number): Promise<number> {
  const answers = await Promise.allSettled(nodes.map(({ url }) => client.call(url, CALL, {}, { timeoutMs })));
  return answers.filter(({ status }) => status === 'rejected').length;
}
