import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createNetServer } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../../../test/support/eventually.js';
import {
  allow,
  closeServer,
  listen,
  openTunnel,
  sendRaw,
  startProxy,
  type TestProxy,
} from '../../../../test/support/egress-proxy.js';

let upstream: Server;
let port: number;
let proxy: TestProxy;

beforeEach(async () => {
  upstream = createServer((request, response) => void response.end(`${request.method} ${request.url}`));
  port = await listen(upstream);
  proxy = await startProxy({ allowedHosts: allow(`site.example:*`) });
});

afterEach(async () => {
  await proxy.close();
  await closeServer(upstream);
});

async function restart(options: Parameters<typeof startProxy>[0]): Promise<void> {
  await proxy.close();
  proxy = await startProxy(options);
}

describe('A tunnel', () => {
  it('that is refused is closed, although the client leaves it open', async () => {
    const { status, socket } = await openTunnel(proxy, 'other.example:443', true);
    expect(status).toBe(403);
    const write = setInterval(() => socket.write('x'), 50);
    await expect(once(socket.resume(), 'close')).rejects.toThrow(/EPIPE|ECONNRESET/);
    clearInterval(write);
  });

  it('carries what the client still sends after the host has ended', async () => {
    const received = new Promise<string>((resolve) => {
      const host = createNetServer({ allowHalfOpen: true }, (socket) => {
        socket.end('bye');
        host.close();
        resolve(text(socket));
      });
      void listen(host).then(async (hostPort) => {
        const { socket } = await openTunnel(proxy, `site.example:${hostPort}`, true);
        socket.resume().once('end', () => socket.end('and more'));
      });
    });
    expect(await received).toBe('and more');
  });

  it('carries bytes that came together with the CONNECT', async () => {
    const together = `CONNECT site.example:${port} HTTP/1.1\r\nHost: x\r\n\r\nGET /early HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
    expect(await sendRaw(proxy, together)).toContain('GET /early');
  });

  it('carries bytes both ways, and lets the host answer after the client has ended', async () => {
    const echo = createNetServer({ allowHalfOpen: true }, (socket) => {
      void text(socket).then((received) => socket.end(`got ${received.length}`));
    });
    const echoPort = await listen(echo);
    const { status, socket } = await openTunnel(proxy, `site.example:${echoPort}`);
    socket.end('x'.repeat(1_000_000));
    expect(status).toBe(200);
    expect(await text(socket)).toBe('got 1000000');
    echo.close();
  });

  it('ends on both sides when one fails', async () => {
    let isClosed = false;
    const silent = createNetServer((socket) => void socket.resume().on('close', () => (isClosed = true)));
    const silentPort = await listen(silent);
    const { socket } = await openTunnel(proxy, `site.example:${silentPort}`);
    socket.resetAndDestroy();
    await eventually(() => isClosed).toBe(true);
    silent.close();
  });

  it('is refused beyond the limit of connections, until one ends', async () => {
    const opened = await Promise.all(Array.from({ length: 256 }, () => openTunnel(proxy, `site.example:${port}`)));
    expect(await openTunnel(proxy, `site.example:${port}`)).toMatchObject({ status: 429 });
    opened[0]?.socket.destroy();
    const open = async () => (await openTunnel(proxy, `site.example:${port}`)).status;
    await expect.poll(open).toBe(200);
  });

  it('ends when the proxy is closed', async () => {
    const { socket } = await openTunnel(proxy, `site.example:${port}`);
    const ended = text(socket).catch(() => 'reset');
    await proxy.close();
    expect(['', 'reset']).toContain(await ended);
    await restart({});
  });
});

// Entries without a port are for ports 80 and 443, on which only root can listen.
it.skipIf(process.getuid?.() !== 0)('A tunnel to a listed web host carries TLS for this name only', async () => {
  const host = createNetServer((socket) => void socket.on('data', (bytes) => socket.end(`got ${bytes[0]}`)));
  host.listen(443, '127.0.0.43');
  await once(host, 'listening');
  const connectAs = async (entry: string, servername: string) => {
    await restart({ allowedHosts: allow(entry), resolve: () => Promise.resolve(['127.0.0.43']) });
    const { socket } = await openTunnel(proxy, 'cdn.example:443');
    const secure = connect({ socket, servername });
    const [error] = await once(secure, 'error').catch((reason: unknown) => [reason]);
    return String(error);
  };
  // The host speaks no TLS: its answer is an error of the client's TLS, a closed tunnel is another one.
  expect(await connectAs('cdn.example', 'cdn.example')).toMatch(/wrong version|packet length/);
  expect(proxy.refusals).toEqual([]);
  expect(await connectAs('cdn.example', 'evil.example')).not.toMatch(/wrong version|packet length/);
  expect(proxy.refusals).toEqual([
    'thread: Chiron refuses cdn.example:443: the tunnel does not carry TLS for this name',
  ]);
  expect(await connectAs('cdn.example:443', 'evil.example')).toMatch(/wrong version|packet length/);
  host.close();
});
