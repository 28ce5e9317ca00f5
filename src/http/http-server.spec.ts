import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, it } from 'vitest';
import { eventually } from '../../test/support/eventually.js';
import { readJsonBody } from './read-body.js';
import { ServiceError } from '../domain/service-error.js';
import { type ConnectionLimits, configureHttpServer } from './http-server.js';

const LONG = 3_600_000;
/** Nothing is too slow. */
const PATIENT: ConnectionLimits = { headers: LONG, check: 10, request: LONG, silence: LONG, unread: LONG };

const HEAD = 'POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 100\r\n\r\n';
const GET = 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n';

const servers: Server[] = [];
const senders: Sender[] = [];

/** A connection whose other end never closes its side by itself. */
class Sender {
  received = '';
  isClosed = false;
  readonly socket: Socket;

  constructor(port: number) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.socket.on('data', (chunk) => (this.received += chunk.toString('latin1')));
    // Cut, or refused: either way it is over.
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => (this.isClosed = true));
    this.socket.on('end', () => (this.received += '<end>'));
    senders.push(this);
  }
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

const answer: Handler = (request, response) => {
  request.resume().on('end', () => response.end('fine'));
};

const errorBody = (error: ServiceError): string => JSON.stringify({ kind: error.kind, message: error.message });

/** A server with these limits; how to connect to it, and how many connections it has. */
async function start(limits: Partial<ConnectionLimits>, handler = answer, settings = {}) {
  const server = createServer(handler);
  servers.push(server);
  configureHttpServer(server, { keepAliveMs: LONG, maxConnections: 100, ...settings }, errorBody, {
    ...PATIENT,
    ...limits,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const open = (bytes = ''): Sender => {
    const sender = new Sender(port);
    sender.socket.write(bytes);
    return sender;
  };
  const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  return { open, connections };
}

afterEach(async () => {
  for (const { socket } of senders.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('a connection', () => {
  it.each([
    ['never sends a byte, by the limit of silence', '', { silence: 30 }],
    ['never sends a byte, by the limit of headers', '', { headers: 30 }],
    ['stops in the middle of its headers', 'POST / HTTP/1.1\r\nhost: 127', { headers: 30 }],
    ['stops in the middle of its body', `${HEAD}{"a":`, { silence: 30 }],
    ['takes too long over its body', `${HEAD}{"a":`, { headers: 20, request: 30 }],
    ['sends what is not HTTP', 'hello\r\n\r\n', {}],
  ])('is closed, also on the side of its sender, when it %s', async (_, bytes, limits) => {
    const { open, connections } = await start(limits);
    const sender = open(bytes);
    await eventually(() => sender.received.includes('<end>') || sender.isClosed).toBe(true);
    await eventually(connections).toBe(0);
  });

  it('gets an error in the usual envelope if its headers take too long', async () => {
    const { open } = await start({ headers: 30 });
    const sender = open('POST / HTTP/1.1\r\nhost: 127');
    await eventually(() => sender.received).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n[^]*"request_timeout"/);
  });

  it('gets an error from the reader of its body if the body takes too long', async () => {
    const { open } = await start({ silence: 30 }, (request, response) => {
      readJsonBody(request).catch((error: unknown) => {
        response.writeHead(error instanceof ServiceError && error.kind === 'request_timeout' ? 408 : 500).end();
      });
    });
    const sender = open(`${HEAD}{"a":`);
    await eventually(() => sender.received).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n/);
  });

  it('is served while its body keeps arriving slowly', async () => {
    const { open } = await start({ silence: 1000 });
    const sender = open(HEAD);
    for (let sent = 0; sent < 100; sent += 10) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      sender.socket.write('x'.repeat(10));
    }
    await eventually(() => sender.received).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it('waits for an answer as long as it takes', async () => {
    const { open } = await start({ silence: 300, unread: 300 }, (_, response) => {
      setTimeout(() => response.end('late'), 1200);
    });
    const sender = open(GET);
    await eventually(() => sender.received).toMatch(/late/);
  });

  it('is kept for the next request longer than the headers may take', async () => {
    const { open } = await start({ headers: 400 }, answer, { keepAliveMs: 10_000 });
    const sender = open(GET);
    await eventually(() => sender.received).toMatch(/keep-alive: timeout=10\r\n/i);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    sender.received = '';
    sender.socket.write(GET);
    await eventually(() => sender.received).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it.each([
    ['an answer in one piece', (response: ServerResponse) => response.end(Buffer.alloc(64 * 1024 * 1024))],
    [
      'a stream',
      (response: ServerResponse) => {
        const write = (): void => {
          while (response.write('x'.repeat(65_536)));
        };
        response.on('drain', write);
        write();
      },
    ],
  ])('is cut when its caller does not read: %s', async (_, write) => {
    let closed = 0;
    const { open, connections } = await start({ silence: 20, unread: 50 }, (_request, response) => {
      response.on('close', () => (closed += 1));
      write(response);
    });
    open(GET).socket.pause();
    await eventually(() => closed).toBe(1);
    await eventually(connections).toBe(0);
  });

  it('is not closed while its caller reads slowly', async () => {
    const size = 16 * 1024 * 1024;
    const { open } = await start({ silence: 1000, unread: 1000 }, (_, response) =>
      response.end(Buffer.alloc(size, 'x')),
    );
    const sender = open(GET);
    const pauses = setInterval(() => {
      sender.socket.pause();
      setTimeout(() => sender.socket.resume(), 30);
    }, 60);
    await eventually(() => sender.received.length).toBeGreaterThan(size);
    clearInterval(pauses);
  });
});

describe('very many connections', () => {
  it('are refused beyond the limit, and the open ones are served', async () => {
    const { open, connections } = await start({}, answer, { maxConnections: 10 });
    const first = open();
    await eventually(connections).toBe(1);
    const crowd = Array.from({ length: 50 }, () => open());
    await eventually(() => crowd.filter(({ isClosed, received }) => isClosed || received !== '').length).toBe(41);
    first.socket.write(GET);
    await eventually(() => first.received).toMatch(/^HTTP\/1\.1 200 OK/);
    for (const { socket } of crowd) socket.destroy();
    await eventually(connections).toBe(1);
    const later = open(GET);
    await eventually(() => later.received).toMatch(/^HTTP\/1\.1 200 OK/);
  });
});
