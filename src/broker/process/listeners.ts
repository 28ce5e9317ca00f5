import { createHash } from 'node:crypto';
import { chmodSync, chownSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { ENDPOINT_PREFIX, type Listening } from '../protocol.ts';

/** How many connections a thread may have open. Without a limit, one could take all file descriptors of the process from the others. */
const MAX_CONNECTIONS = 1000;

/** What is done with the requests of threads. */
export interface BrokerRoutes {
  readonly onModel: (request: IncomingMessage, response: ServerResponse, threadId: string) => void;
  readonly onEndpoint: (request: IncomingMessage, response: ServerResponse, threadId: string) => void;
  readonly onProxied: (request: IncomingMessage, response: ServerResponse, threadId: string) => void;
  readonly onConnect: (request: IncomingMessage, client: Duplex, head: Buffer, threadId: string) => void;
}

/** The sockets on which threads reach the broker, and one port for those that have none. */
export class Listeners {
  readonly #routes: BrokerRoutes;
  readonly #sockets = new Map<string, Server>();
  /** Threads by the digests of their tokens, so that a look-up takes no longer for a token that is nearly right. */
  readonly #tokens = new Map<string, string>();
  #loopback: Promise<Server> | undefined;

  constructor(routes: BrokerRoutes) {
    this.#routes = routes;
  }

  /** Listens for a thread. Resolves with the port, if the thread is to come there; rejects if the socket cannot be made. */
  async open(threadId: string, listening: Listening): Promise<number | undefined> {
    if (listening.kind === 'loopback') {
      this.#tokens.set(digest(listening.token), threadId);
      this.#loopback ??= this.#listenOnLoopback(listening.port ?? 0);
      return ((await this.#loopback).address() as AddressInfo).port;
    }
    this.#closeSocket(threadId);
    rmSync(listening.path, { force: true });
    const server = await listen(
      this.#serve(() => threadId),
      { path: listening.path },
    );
    server.maxConnections = MAX_CONNECTIONS;
    chmodSync(listening.path, 0o600);
    if (listening.owner !== undefined) chownSync(listening.path, listening.owner, listening.owner);
    this.#sockets.set(threadId, server);
    return undefined;
  }

  /** Ends the connections of a thread, and takes no more. */
  close(threadId: string): void {
    this.#closeSocket(threadId);
    for (const [token, owner] of this.#tokens) if (owner === threadId) this.#tokens.delete(token);
  }

  async #listenOnLoopback(port: number): Promise<Server> {
    const serveOn = (wanted: number): Promise<Server> =>
      listen(
        this.#serve((request) => this.#findThread(request)),
        { host: '127.0.0.1', port: wanted },
      );
    // Another program may have taken the port of an earlier process. Threads that open later can still have one.
    return port === 0 ? serveOn(0) : serveOn(port).catch(() => serveOn(0));
  }

  #closeSocket(threadId: string): void {
    const server = this.#sockets.get(threadId);
    server?.close();
    server?.closeAllConnections();
    this.#sockets.delete(threadId);
  }

  #serve(findThread: (request: IncomingMessage) => string | undefined): Server {
    const { onModel, onEndpoint, onProxied, onConnect } = this.#routes;
    const server = createServer((request, response) => {
      const threadId = findThread(request);
      const isProxied = request.url?.startsWith('/') !== true;
      if (threadId === undefined && isProxied) response.writeHead(407, CHALLENGE).end();
      else if (threadId === undefined)
        response.writeHead(401, { 'content-type': 'application/json' }).end(UNKNOWN_TOKEN);
      else if (isProxied) onProxied(request, response, threadId);
      else if (request.url?.startsWith(ENDPOINT_PREFIX) === true) onEndpoint(request, response, threadId);
      else onModel(request, response, threadId);
    });
    server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
      const threadId = findThread(request);
      if (threadId === undefined) client.end(UNKNOWN_TUNNEL);
      else onConnect(request, client, head, threadId);
    });
    // Answers of models take as long as they take.
    server.requestTimeout = 0;
    server.timeout = 0;
    return server;
  }

  #findThread({ headers }: IncomingMessage): string | undefined {
    const basic = /^Basic (.+)$/i.exec(headers['proxy-authorization'] ?? '')?.[1];
    const tokens = [
      headers['x-api-key'],
      headers['x-goog-api-key'],
      /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1],
      basic === undefined
        ? undefined
        : Buffer.from(basic, 'base64')
            .toString('utf8')
            .replace(/^[^:]*:/, ''),
    ];
    return tokens
      .map((token) => (typeof token === 'string' ? this.#tokens.get(digest(token)) : undefined))
      .find((id) => id !== undefined);
  }
}

/** git sends the token of a proxy's URL only once it was asked for it. */
const CHALLENGE = { 'proxy-authenticate': 'Basic realm="chiron"' };
const UNKNOWN_TUNNEL =
  'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm="chiron"\r\n' +
  'Content-Length: 0\r\nConnection: close\r\n\r\n';

const UNKNOWN_TOKEN = JSON.stringify({
  type: 'error',
  error: { type: 'authentication_error', message: 'This is the broker of another agent.' },
});

function listen(
  server: Server,
  where: { readonly path: string } | { readonly host: string; readonly port: number },
): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

function digest(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
