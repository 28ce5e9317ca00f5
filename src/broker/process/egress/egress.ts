import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import { type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import type { HostLimit } from '../../../domain/policy/agent-rules.ts';
import type { ToolCredential } from '../../../domain/tool-credential.ts';
import { connectTo, UnreachableError } from './connect.ts';
import { type FirstBytesCheck, isTlsFor } from './first-bytes.ts';
import { answerText, forward } from './forward.ts';
import { Gate, type ResolveName } from './gate.ts';
import { Interceptor } from './interceptor.ts';
import { connectThrough, type ProxyVariables } from './outer-proxy.ts';
import type { EgressPolicy } from './policy.ts';
import { RefusalLog } from './refusal-log.ts';
import { parseAbsoluteTarget, parseConnectTarget } from './target.ts';
import type { CertificateAuthority } from './tls/authority.ts';
import { listTrustedRoots } from './tls/trusted-roots.ts';
import { runTunnel } from './tunnel.ts';

/** What the proxy needs of the configuration; can be sent to another process. */
export interface EgressSettings extends EgressPolicy {
  readonly credentials: readonly ToolCredential[];
  /** Signs the certificates of hosts with a credential; required if there is one. */
  readonly ca?: CertificateAuthority;
}

/** The settings, and what a test may replace. */
export interface EgressOptions extends EgressSettings {
  /** Hears of refused hosts, at most once per thread, host and minute: a line of text without path and headers. */
  readonly onRefused: (threadId: string, what: string) => void;
  /** The deployment's own proxies; none by default. */
  readonly proxies?: ProxyVariables;
  /** By default the system's resolver. */
  readonly resolve?: ResolveName;
  /** PEM; the authorities that may sign the certificates of hosts with a credential. By default those that the machine trusts. */
  readonly trustedRoots?: readonly string[];
}

/** The HTTP proxy through which the commands of agents reach the network. */
export interface Egress {
  /** Answers a `CONNECT`: the handler of `http.Server`'s event `connect`. */
  handleConnect(request: IncomingMessage, socket: Duplex, head: Buffer, threadId: string): void;
  /** Answers a request in absolute form, `GET http://host/path`. */
  handleRequest(request: IncomingMessage, response: ServerResponse, threadId: string): void;
  /**
   * What a thread may reach from now on, besides the deployment's policy: the hosts that each limit allows. Where that changes, its
   * connections are closed: an earlier turn may have left programs running.
   */
  limit(threadId: string, limits: readonly HostLimit[]): void;
  /** Closes all connections. */
  close(): void;
}

/** More connections at once than this belong to no build that works. */
const MAX_CONNECTIONS_PER_THREAD = 256;

/**
 * Makes the proxy.
 *
 * @throws if there are credentials and no certificate authority.
 */
export function createEgress(options: EgressOptions): Egress {
  return new EgressProxy(options);
}

class EgressProxy implements Egress {
  private readonly gate: Gate;
  private readonly refusals: RefusalLog;
  private readonly interceptor: Interceptor | undefined;
  /** The clients' connections of each thread. */
  private readonly connections = new Map<string, Set<Duplex>>();
  private readonly limits = new Map<string, readonly HostLimit[]>();

  constructor(options: EgressOptions) {
    this.gate = new Gate(options, options.proxies, options.resolve);
    this.refusals = new RefusalLog(options.onRefused);
    this.interceptor = toInterceptor(options);
  }

  handleConnect(request: IncomingMessage, socket: Duplex, head: Buffer, threadId: string): void {
    // A client that goes away needs no answer.
    socket.on('error', () => socket.destroy());
    if (head.length > 0) socket.unshift(head);
    const target = parseConnectTarget(request.url ?? '');
    if (target === undefined) return answerConnect(socket, 400, 'The target of CONNECT must be a host and a port');
    if (!this.count(threadId, socket)) return answerConnect(socket, 429, TOO_MANY);
    // Nothing of it rejects but for a fault of this program, and that must not end the process of all threads.
    this.connect(socket, target, threadId).catch(() => socket.destroy());
  }

  handleRequest(request: IncomingMessage, response: ServerResponse, threadId: string): void {
    const absolute = parseAbsoluteTarget(request.url ?? '');
    if (absolute === undefined) return answerText(response, 400, 'The target must be an http:// URL without a user');
    if (!this.count(threadId, request.socket)) return answerText(response, 429, TOO_MANY);
    this.send(request, response, absolute, threadId).catch(() => response.destroy());
  }

  limit(threadId: string, limits: readonly HostLimit[]): void {
    const isSame = isDeepStrictEqual(this.limits.get(threadId) ?? [], limits);
    if (limits.length === 0) this.limits.delete(threadId);
    else this.limits.set(threadId, limits);
    if (!isSame) for (const socket of this.connections.get(threadId) ?? []) socket.destroy();
  }

  close(): void {
    for (const sockets of this.connections.values()) for (const socket of sockets) socket.destroy();
  }

  private async connect(socket: Duplex, target: NetworkTarget, threadId: string): Promise<void> {
    const admission = await this.admit(threadId, target, 'https');
    if (admission.kind === 'answered') return answerConnect(socket, admission.status, admission.line);
    const { addresses, proxy, isWebOnly } = admission;
    if (this.interceptor?.isFor(target) === true) {
      socket.write(ESTABLISHED);
      return await this.interceptor.serveClient(socket, { target, addresses, proxy });
    }
    try {
      const upstream = await (proxy === undefined ? connectTo(target, addresses) : connectThrough(proxy, target));
      if (socket.destroyed) return void upstream.destroy();
      socket.write(ESTABLISHED);
      runTunnel(socket, upstream, this.toCheck(threadId, target, isWebOnly));
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      answerConnect(socket, error.status, error.message);
    }
  }

  private async send(
    request: IncomingMessage,
    response: ServerResponse,
    { target, path }: { readonly target: NetworkTarget; readonly path: string },
    threadId: string,
  ): Promise<void> {
    const admission = await this.admit(threadId, target, 'http');
    if (admission.kind === 'answered') return answerText(response, admission.status, admission.line);
    const { addresses, proxy } = admission;
    forward(request, response, { target, path, addresses, proxy, headers: {} });
  }

  private async admit(threadId: string, target: NetworkTarget, scheme: 'http' | 'https') {
    const admission = await this.gate.admit(threadId, target, scheme, this.limits.get(threadId));
    switch (admission.kind) {
      case 'admitted':
        return admission;
      case 'refused':
        this.refusals.add(threadId, toHostText(target), admission.reason);
        return { kind: 'answered', status: 403, line: admission.reason } as const;
      case 'unresolved':
        return { kind: 'answered', status: admission.status, line: admission.reason } as const;
      default:
        return admission satisfies never;
    }
  }

  /** What the first bytes of a tunnel must be; `undefined` for anything. */
  private toCheck(threadId: string, target: NetworkTarget, isWebOnly: boolean): FirstBytesCheck | undefined {
    if (!isWebOnly || target.kind === 'address') return undefined;
    return (hello) => {
      if (isTlsFor(target.host, hello)) return true;
      const text = toHostText(target);
      this.refusals.add(threadId, text, `Chiron refuses ${text}: the tunnel does not carry TLS for this name`);
      return false;
    };
  }

  /** Counts a client's connection until it is closed; `false` if its thread has too many. */
  private count(threadId: string, socket: Duplex): boolean {
    const sockets = this.connections.get(threadId) ?? new Set<Duplex>();
    if (sockets.has(socket)) return true;
    if (sockets.size >= MAX_CONNECTIONS_PER_THREAD) return false;
    this.connections.set(threadId, sockets.add(socket));
    socket.once('close', () => {
      sockets.delete(socket);
      if (sockets.size === 0) this.connections.delete(threadId);
    });
    return true;
  }
}

/** How long a client may take to close a connection that is of no use to it. */
const LINGER_MS = 2000;
const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n';
const TOO_MANY = `Chiron allows ${MAX_CONNECTIONS_PER_THREAD} connections per thread`;

/** Answers a `CONNECT` that is not carried out. The line is the status text, too: npm and Python show only that. */
function answerConnect(socket: Duplex, status: number, line: string): void {
  const body = `${line}\n`;
  const head = `HTTP/1.1 ${status} ${line}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\nconnection: close`;
  // What the client sent beside it is read, or the system would reset the connection before the answer is there.
  socket.resume();
  socket.end(`${head}\r\n\r\n${body}`);
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
}

function toInterceptor({ credentials, ca, trustedRoots }: EgressOptions): Interceptor | undefined {
  if (credentials.length === 0) return undefined;
  if (ca === undefined) throw new Error('credentials for tools need a certificate authority');
  return new Interceptor({ credentials, authority: ca, trustedRoots: trustedRoots ?? listTrustedRoots() });
}
