import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { PeerClient, PeerUnreachableError } from './peer-client.js';

const client = new PeerClient('secret', undefined);
const server = createServer((request, response) => {
  request.resume();
  if (request.url === '/calls/silent') return;
  response.write('{"line":1}\n');
  response.end('{"line":2}\n');
});

async function listen(): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

afterEach(() => {
  client.close();
  server.close();
  server.closeAllConnections();
});

describe(PeerClient.name, () => {
  it('does not end the process when a reader leaves while the end of its stream is read', async () => {
    const url = await listen();
    const onUncaught = vi.fn<() => void>();
    process.on('uncaughtException', onUncaught);
    for (let round = 0; round < 20; round += 1) {
      await new Promise<void>((resolve) => {
        const subscription = client.stream(url, 'lines', {}).subscribe(() =>
          process.nextTick(() => {
            subscription.unsubscribe();
            setImmediate(resolve);
          }),
        );
      });
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    process.off('uncaughtException', onUncaught);
    expect(onUncaught).not.toHaveBeenCalled();
  });

  it('gives up a call that is not answered in time', async () => {
    const url = await listen();
    await expect(client.call(url, 'silent', {}, { timeoutMs: 20 })).rejects.toThrow(PeerUnreachableError);
  });
});
