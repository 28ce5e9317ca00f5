import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  connect as connectTls,
  type ConnectionOptions,
  createSecureContext,
  type SecureContext,
  TLSSocket,
} from 'node:tls';
import { isRuleFor, type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import type { ToolCredential } from '../../../domain/tool-credential.ts';
import { IDLE_MS, pinnedTo } from './connect.ts';
import { findCredential, readCredentialHeader } from './credentials.ts';
import { answerText, forward } from './forward.ts';
import { connectThrough } from './outer-proxy.ts';
import type { CertificateAuthority, HostContexts } from './tls/authority.ts';

/** Where a tunnel that is intercepted leads. */
interface Destination {
  readonly target: NetworkTarget;
  /** The checked addresses; may be empty where there is a proxy. */
  readonly addresses: readonly string[];
  /** The deployment's own proxy, which leads there. */
  readonly proxy: URL | undefined;
}

/** The server's side of a tunnel that is intercepted. */
interface Session extends Destination {
  /** Keeps the connection to the host for the next request of the same client. */
  readonly agent: Agent;
}

interface InterceptorOptions {
  readonly credentials: readonly ToolCredential[];
  readonly authority: CertificateAuthority;
  /** PEM; the authorities that may sign the certificates of hosts. */
  readonly trustedRoots: readonly string[];
}

/**
 * Ends the TLS of clients that connect to hosts with a credential, as if it were the host, puts the credential into their requests, and sends
 * them on to the real host, whose certificate is verified.
 */
export class Interceptor {
  private readonly sessions = new Map<Duplex, Session>();
  private readonly server = createServer((request, response) => {
    // A request that cannot be served must not end the process of all threads.
    this.serve(request, response).catch(() => response.destroy());
  });
  /** Loaded here: a deployment without credentials needs no certificates. */
  private readonly contexts: Promise<HostContexts>;
  /** One for all connections to hosts: to read some hundred authorities for each would take long. */
  private readonly trust: SecureContext;

  private readonly options: InterceptorOptions;

  constructor(options: InterceptorOptions) {
    this.options = options;
    this.contexts = import('./tls/authority.ts').then((authority) => new authority.HostContexts(options.authority));
    this.trust = createSecureContext({ ca: [...options.trustedRoots] });
    // An upload may take longer than Node's five minutes. Node ends connections that stay idle.
    this.server.requestTimeout = 0;
    this.server.timeout = IDLE_MS;
  }

  /** Whether a tunnel to the target has to go through here. */
  isFor(target: NetworkTarget): boolean {
    return this.options.credentials.some(({ host }) => isRuleFor(host, target));
  }

  /** Serves a client that was told that it is connected to the target. */
  async serveClient(client: Duplex, destination: Destination): Promise<void> {
    const { target, addresses, proxy } = destination;
    const secureContext = await (await this.contexts).find(target);
    // HTTP/1.1 is all that the server below speaks.
    const socket = new TLSSocket(client, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    const options = {
      keepAlive: true,
      secureContext: this.trust,
      servername: target.kind === 'name' ? target.host : '',
    };
    const agent =
      proxy === undefined
        ? new Agent({ ...options, ...pinnedTo(addresses) })
        : new TunnelAgent(options, () => connectThrough(proxy, target));
    this.sessions.set(socket, { ...destination, agent });
    socket.on('close', () => {
      this.sessions.delete(socket);
      agent.destroy();
      client.destroy();
    });
    // A client that does not trust the authority says so itself.
    socket.on('error', () => socket.destroy());
    this.server.emit('connection', socket);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const session = this.sessions.get(request.socket);
    const { method = 'GET', url = '' } = request;
    if (session === undefined || !url.startsWith('/')) {
      answerText(response, 400, 'The target of a request must be a path');
      return;
    }
    const { target, addresses, proxy, agent } = session;
    const credential = findCredential(this.options.credentials, target, { method, path: url });
    // The answer to TRACE is the request with its headers.
    if (credential !== undefined && method === 'TRACE') {
      answerText(response, 403, `Chiron refuses TRACE for ${toHostText(target)}: it would show a credential`);
      return;
    }
    const headers = credential === undefined ? {} : await this.readHeader(credential);
    if (headers === undefined) answerText(response, 502, `Chiron cannot read the credential for ${toHostText(target)}`);
    else forward(request, response, { target, addresses, proxy, path: url, secure: agent, headers });
  }

  private async readHeader({ form }: ToolCredential): Promise<Readonly<Record<string, string>> | undefined> {
    try {
      return await readCredentialHeader(form);
    } catch {
      // The reason may hold the path of the file. The operator finds it in the configuration.
      return undefined;
    }
  }
}

/** Connections over TLS in tunnels of a proxy. */
class TunnelAgent extends Agent {
  private readonly tunnel: () => Promise<Socket>;

  constructor(options: AgentOptions, tunnel: () => Promise<Socket>) {
    super(options);
    this.tunnel = tunnel;
  }

  override createConnection(
    options: ConnectionOptions,
    done: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    void this.open(options, done);
  }

  private async open(options: ConnectionOptions, done: (error: Error | null, socket: Duplex) => void): Promise<void> {
    let socket: Socket;
    try {
      socket = await this.tunnel();
    } catch (error) {
      // Node takes an error without a socket; its type does not say so.
      done(error as Error, undefined as unknown as Duplex);
      return;
    }
    done(null, connectTls({ ...options, socket }));
  }
}
