import { asNumber, asObject } from '../domain/json.js';
import type { Node } from '../storage/stores/node.store.js';
import type { PeerClient } from './peer-client.js';
import type { PeerServer } from './peer-server.js';

const CALL = 'beat-age';

/** Tells the others how long ago this server's last stored heartbeat was, in milliseconds. */
export function answerBeatAge(server: PeerServer, readAgeMs: () => number): void {
  server.handle(CALL, () => Promise.resolve({ ms: Math.min(readAgeMs(), Number.MAX_SAFE_INTEGER) }));
}

/**
 * Asks servers for that, each for at most `timeoutMs`; resolves to the answers. One that does not answer is missing: it is gone, or the network
 * between is, and neither says anything about the store.
 */
export async function askBeatAges(
  client: PeerClient,
  nodes: readonly Pick<Node, 'url'>[],
  timeoutMs: number,
): Promise<readonly number[]> {
  const answers = await Promise.allSettled(nodes.map(({ url }) => client.call(url, CALL, {}, { timeoutMs })));
  return answers.flatMap((answer) =>
    answer.status === 'fulfilled' ? (asNumber(asObject(answer.value)['ms']) ?? []) : [],
  );
}
