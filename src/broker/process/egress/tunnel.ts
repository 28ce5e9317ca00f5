import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { IDLE_MS } from './connect.ts';
import { holdFirstBytes, type FirstBytesCheck } from './first-bytes.ts';

/**
 * Carries bytes both ways until both sides have ended or one has failed, with back pressure; an end of one direction leaves the other open.
 *
 * @param check decides about the client's first bytes before the host gets any of them.
 */
export function runTunnel(client: Duplex, upstream: Socket, check: FirstBytesCheck | undefined): void {
  const destroy = () => {
    client.destroy();
    upstream.destroy();
  };
  // Why a side failed is of no use to the other one: it sees its connection closed.
  client.on('error', destroy).on('close', destroy);
  upstream.on('error', destroy);
  // Reading and writing both restart the time of a socket.
  upstream.setTimeout(IDLE_MS, destroy);
  upstream.pipe(client);
  if (check === undefined) client.pipe(upstream);
  else holdFirstBytes(client, check).then((isAllowed) => (isAllowed ? client.pipe(upstream) : destroy()), destroy);
}
