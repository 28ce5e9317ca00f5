import { asObject, asString } from '../domain/json.js';
import type { Node } from '../storage/stores/node.store.js';
import type { PeerClient } from './peer-client.js';
import type { PeerServer } from './peer-server.js';

const CALL = 'joined';

/**
 * Calls `welcome` whenever another server says that it has joined, so that it is known before the next heartbeat.
 *
 * @param welcome takes its URL; `undefined` from a server of a version that does not give it.
 */
export function answerJoin(server: PeerServer, welcome: (url: string | undefined) => Promise<void>): void {
  server.handle(CALL, async (body) => {
    await welcome(asString(asObject(body)['url']));
    return {};
  });
}

/**
 * Tells servers that the one with this URL has joined, each for at most `timeoutMs`. Resolves to how many were not told: they are gone, cannot be reached or
 * are of a version without this call, and learn of it with their next heartbeat.
 */
export async function tellJoined(
  client: PeerClient,
  ownUrl: string,
  nodes: readonly Node[],
  timeoutMs: number,
): Promise<number> {
  const answers = await Promise.allSettled(
    nodes.map(({ url }) => client.call(url, CALL, { url: ownUrl }, { timeoutMs })),
  );
  return answers.filter(({ status }) => status === 'rejected').length;
}
