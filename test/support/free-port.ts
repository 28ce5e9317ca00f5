import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to connections (`ip_local_port_range`): one of these could get the port before it is used. */
const [FIRST, COUNT] = [20_000, 12_000] as const;

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const port = FIRST + Math.floor(Math.random() * COUNT);
  const probe = createServer().listen(port, '127.0.0.1');
  try {
    await once(probe, 'listening');
  } catch {
    return freePort();
  }
  probe.close();
  await once(probe, 'close');
  return port;
}
