import { Inject, Injectable } from '@nestjs/common';
import { Cluster } from '../../cluster/cluster.module.js';
import type { PeerServer } from '../../cluster/peer-server.js';
import { asNumber, asObject, asStrings } from '../../domain/json.js';
import type { TurnCallers } from '../matching/turn-callers.js';

const CALL = 'settle-callers';

/** One that does not answer in this time is left out: its callers have lost their connections, or will. */
const TIMEOUT_MS = 1000;

/** Tells other servers who waits here for turns; see {@link OtherCallers}. */
export function answerCallers(server: PeerServer, callers: TurnCallers): void {
  server.handle(CALL, async (body) => {
    const turnIds = asStrings(body['turnIds']);
    await callers.settle(turnIds);
    return Object.fromEntries(turnIds.map((id) => [id, callers.count(id)]));
  });
}

/** The callers that wait for turns at other servers. */
@Injectable()
export class OtherCallers {
  constructor(@Inject(Cluster) private readonly cluster: Cluster) {}

  /**
   * Waits until the other servers have stored which of these turns, or of the messages that turns heard, their callers have the answer of; read them again then. A caller's
   * next request may come here before. Resolves to how many callers wait there for each turn, or at once to `undefined` if there are no
   * such servers. Never rejects.
   */
  async settle(turnIds: readonly string[]): Promise<ReadonlyMap<string, number> | undefined> {
    const { cluster } = this;
    const others = cluster?.nodes.filter(
      (node) => node.role !== 'worker' && node.id !== cluster.self.id && cluster.isLiving(node),
    );
    if (cluster === undefined || others === undefined || others.length === 0) return undefined;
    const answers = await Promise.allSettled(
      others.map(({ url }) => cluster.client.call(url, CALL, { turnIds }, { timeoutMs: TIMEOUT_MS })),
    );
    const counts = answers.map((answer) => (answer.status === 'fulfilled' ? asObject(answer.value) : {}));
    return new Map(turnIds.map((id) => [id, counts.reduce((sum, ofServer) => sum + (asNumber(ofServer[id]) ?? 0), 0)]));
  }
}
