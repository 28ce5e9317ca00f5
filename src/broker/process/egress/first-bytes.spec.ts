import { once } from 'node:events';
import { connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../../../../test/support/egress-proxy.js';
import { isTlsFor } from './first-bytes.js';
import { readClientHello } from './tls/client-hello.js';
import { runTunnel } from './tunnel.js';

let host: Server;
let proxy: Server;
let received: Promise<string>;
let isAllowed: boolean | undefined;
let port: number;

beforeEach(async () => {
  isAllowed = undefined;
  const { promise, resolve } = deferred<string>();
  received = promise;
  host = createServer((socket) => {
    socket.write('banner ');
    text(socket).then(resolve, () => resolve('reset'));
  });
  const hostPort = await listen(host);
  proxy = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connectPlain({ port: hostPort, host: '127.0.0.1', allowHalfOpen: true });
    runTunnel(client, upstream, (hello) => (isAllowed = isTlsFor('a.example', hello)));
  });
  port = await listen(proxy);
});

afterEach(() => {
  host.close();
  proxy.close();
});

function deferred<Value>() {
  let resolve: (value: Value) => void = () => {};
  const promise = new Promise<Value>((settle) => (resolve = settle));
  return { promise, resolve };
}

async function open(): Promise<Socket> {
  const socket = connectPlain(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** The first bytes of a TLS client, caught on their way. */
async function helloFor(servername: string | undefined): Promise<Buffer> {
  const catcher = createServer();
  const catcherPort = await listen(catcher);
  const socket = connect({ port: catcherPort, host: '127.0.0.1', ...(servername === undefined ? {} : { servername }) });
  socket.on('error', () => {});
  const [accepted] = (await once(catcher, 'connection')) as [Socket];
  const [bytes] = (await once(accepted, 'data')) as [Buffer];
  accepted.destroy();
  catcher.close();
  return bytes;
}

describe('A tunnel to a listed web host', () => {
  it('carries TLS for this name, byte by byte as well', async () => {
    const hello = await helloFor('A.example');
    const socket = await open();
    socket.setNoDelay(true);
    for (const byte of hello.subarray(0, 20)) {
      socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.end(hello.subarray(20));
    expect(Buffer.byteLength(await received)).toBeGreaterThan(0);
    expect(isAllowed).toBe(true);
  });

  it.each([
    ['TLS for another name', () => helloFor('b.example')],
    ['TLS without a name', () => helloFor(undefined)],
    ['HTTP', () => Promise.resolve(Buffer.from('GET / HTTP/1.1\r\nHost: b.example\r\n\r\n'))],
    ['records without an end', () => Promise.resolve(Buffer.from(`160301ffff01ffffff${'00'.repeat(70_000)}`, 'hex'))],
  ])('carries no %s', async (_, makeBytes) => {
    const socket = await open();
    socket.write(await makeBytes());
    await text(socket).catch(() => 'reset');
    expect(isAllowed).toBe(false);
    expect(['', 'reset']).toContain(await received);
  });

  it('shows what the host sends before the client has sent a byte', async () => {
    const socket = await open();
    const [banner] = await once(socket, 'data');
    expect(String(banner)).toBe('banner ');
    expect(isAllowed).toBeUndefined();
    socket.destroy();
  });
});

describe(readClientHello.name, () => {
  it('finds the name in any part of the bytes that is long enough, and says when it is not', async () => {
    const hello = await helloFor('a.example');
    expect(readClientHello(hello)).toEqual({ kind: 'hello', serverName: 'a.example' });
    for (const length of [0, 1, 4, 5, 8, 9, 50, hello.length - 1]) {
      expect(readClientHello(hello.subarray(0, length)), String(length)).toEqual({ kind: 'incomplete' });
    }
  });

  it('reads a hello in several records', async () => {
    const hello = await helloFor('a.example');
    const body = hello.subarray(5);
    const record = (part: Buffer) => Buffer.concat([Buffer.of(22, 3, 1, part.length >> 8, part.length & 255), part]);
    const split = Buffer.concat([
      record(body.subarray(0, 3)),
      record(body.subarray(3, 100)),
      record(body.subarray(100)),
    ]);
    expect(readClientHello(split)).toEqual({ kind: 'hello', serverName: 'a.example' });
  });

  it('takes lengths that lie for something else', async () => {
    const hello = Buffer.from(await helloFor('a.example'));
    const [sessionIdLength] = [5 + 4 + 34];
    hello[sessionIdLength] = 255;
    hello[sessionIdLength + 256] = 255;
    hello[sessionIdLength + 257] = 255;
    expect(readClientHello(hello)).toEqual({ kind: 'other' });
  });
});
