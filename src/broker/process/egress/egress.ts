import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http';
import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { NetworkPolicy } from '../../protocol.ts';
import { toForwardedHeaders } from '../headers.ts';
import { type Destination, judge, judgeAddresses, parseAuthority, parseProxiedUrl } from './policy.ts';

/** How many connections of one thread may be open. */
const MAX_CONNECTIONS = 256;
/** How long a connection may be silent. */
const IDLE_MS = 10 * 60_000;
const CONNECT_MS = 30_000;
/** A refusal of the same host is logged once in this time for each thread. */
const LOG_INTERVAL_MS = 60_000;
const MAX_LOGGED = 1000;

/** Resolves a name to all of its addresses. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Options of the proxy. */
export interface EgressOptions {
  readonly policy: NetworkPolicy;
  readonly onRefused: (threadId: string, what: string) => void;
  readonly resolve?: Resolve;
}

/** Why a destination cannot be had, with the status for the agent. */
interface Refusal {
  readonly status: number;
  readonly message: string;
}

/**
 * The way out of the sandboxes: an HTTP proxy that checks the name and every address of each destination, and connects to the checked address, so
 * that a name cannot lead elsewhere the second time. It follows no redirects: the agent's next request is checked in its turn.
 */
export class Egress {
  readonly #policy: NetworkPolicy;
  readonly #onRefused: EgressOptions['onRefused'];
  readonly #resolve: Resolve;
  readonly #connections = new Map<string, number>();
  readonly #logged = new Map<string, number>();

  constructor({ policy, onRefused, resolve = resolveAll }: EgressOptions) {
    this.#policy = policy;
    this.#onRefused = onRefused;
    this.#resolve = resolve;
  }

  /** Opens a tunnel for `CONNECT host:port`. */
  async handleConnect(request: IncomingMessage, client: Duplex, head: Buffer, threadId: string): Promise<void> {
    client.on('error', () => client.destroy());
    const found = await this.#find(parseAuthority(request.url ?? ''), threadId);
    if ('status' in found) {
      endTunnel(client, found);
      return;
    }
    const upstream = this.#connect(found, threadId);
    upstream.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      upstream.pipe(client);
      client.pipe(upstream);
    });
    upstream.on('error', () => {
      if (upstream.connecting || upstream.bytesRead === 0) endTunnel(client, UNREACHABLE);
      client.destroy();
    });
    upstream.once('close', () => client.destroy());
    client.once('close', () => upstream.destroy());
  }

  /** Forwards a request with an absolute `http:` URL. */
  async handleRequest(request: IncomingMessage, response: ServerResponse, threadId: string): Promise<void> {
    const target = parseProxiedUrl(request.url ?? '');
    const found = await this.#find(target, threadId);
    if ('status' in found || target === undefined) {
      const { status, message } = 'status' in found ? found : MALFORMED;
      response.writeHead(status, { 'content-type': 'text/plain' }).end(`${message}\n`);
      return;
    }
    const { url } = target;
    const outgoing = httpRequest({
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: { ...toForwardedHeaders(request.headers), host: url.host },
      // The address that was checked, not the name.
      createConnection: () => this.#connect(found, threadId),
    });
    outgoing.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, toForwardedHeaders(answer.headers));
      answer.on('error', () => response.destroy());
      answer.once('close', () => {
        if (!answer.complete) response.destroy();
      });
      answer.pipe(response);
    });
    outgoing.on('error', () => {
      if (response.headersSent) response.destroy();
      else response.writeHead(UNREACHABLE.status, { 'content-type': 'text/plain' }).end(`${UNREACHABLE.message}\n`);
    });
    response.once('close', () => outgoing.destroy());
    request.pipe(outgoing);
  }

  /** The address to connect to, or why there is none. */
  async #find(destination: Destination | undefined, threadId: string): Promise<Destination | Refusal> {
    if (destination === undefined) return MALFORMED;
    const verdict = judge(this.#policy, destination);
    if (verdict.kind === 'refused') return this.#refuse(threadId, destination, verdict.reason);
    if ((this.#connections.get(threadId) ?? 0) >= MAX_CONNECTIONS) {
      return { status: 503, message: `Chiron: too many connections, ${MAX_CONNECTIONS} are open.` };
    }
    const addresses =
      isIP(destination.host) !== 0 ? [destination.host] : await this.#resolve(destination.host).catch(() => []);
    const [address] = addresses;
    if (address === undefined) return { status: 502, message: 'Chiron: there is no host of this name.' };
    const problem = judgeAddresses(verdict, addresses);
    return problem === undefined
      ? { host: address, port: destination.port }
      : this.#refuse(threadId, destination, problem);
  }

  #refuse(threadId: string, { host, port }: Destination, reason: string): Refusal {
    const what = `${host}:${port}`;
    const key = `${threadId} ${what}`;
    const now = performance.now();
    if (now - (this.#logged.get(key) ?? -LOG_INTERVAL_MS) >= LOG_INTERVAL_MS) {
      if (this.#logged.size >= MAX_LOGGED) this.#logged.clear();
      this.#logged.set(key, now);
      this.#onRefused(threadId, what);
    }
    return { status: 403, message: `Chiron refused ${what}: ${reason}.` };
  }

  #connect({ host, port }: Destination, threadId: string): Socket {
    const socket = connect({ host, port });
    this.#connections.set(threadId, (this.#connections.get(threadId) ?? 0) + 1);
    socket.once('close', () => {
      const left = (this.#connections.get(threadId) ?? 1) - 1;
      if (left > 0) this.#connections.set(threadId, left);
      else this.#connections.delete(threadId);
    });
    socket.setTimeout(CONNECT_MS, () => socket.destroy(new Error('timed out')));
    socket.once('connect', () => socket.setTimeout(IDLE_MS));
    return socket;
  }
}

const MALFORMED: Refusal = {
  status: 400,
  message: 'Chiron: a proxy takes CONNECT host:port, or an http URL without a user.',
};
const UNREACHABLE: Refusal = { status: 502, message: 'Chiron: the host cannot be reached.' };

function endTunnel(client: Duplex, { status, message }: Refusal): void {
  const body = `${message}\n`;
  client.end(
    `HTTP/1.1 ${status} ${status === 403 ? 'Forbidden' : 'Failed'}\r\nContent-Type: text/plain\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

async function resolveAll(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}
