import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import { isRuleFor, type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import type { ToolCredential } from '../../../domain/tool-credential.ts';
import { IDLE_MS, pinnedTo } from './connect.ts';
import { findCredential, readCredentialHeader } from './credentials.ts';
import { answerText, forward } from './forward.ts';
import type { CertificateAuthority, HostContexts } from './tls/authority.ts';

/** The server's side of a tunnel that is intercepted. */
interface Session {
  readonly target: NetworkTarget;
  readonly addresses: readonly string[];
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

  /**
   * Serves a client that was told that it is connected to the target.
   *
   * @param addresses the checked addresses of the target.
   */
  async serveClient(client: Duplex, target: NetworkTarget, addresses: readonly string[]): Promise<void> {
    const secureContext = await (await this.contexts).find(target);
    // HTTP/1.1 is all that the server below speaks.
    const socket = new TLSSocket(client, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    const agent = new Agent({
      keepAlive: true,
      secureContext: this.trust,
      servername: target.kind === 'name' ? target.host : '',
      ...pinnedTo(addresses),
    });
    this.sessions.set(socket, { target, addresses, agent });
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
    const { target, addresses, agent } = session;
    const credential = findCredential(this.options.credentials, target, { method, path: url });
    // The answer to TRACE is the request with its headers.
    if (credential !== undefined && method === 'TRACE') {
      answerText(response, 403, `Chiron refuses TRACE for ${toHostText(target)}: it would show a credential`);
      return;
    }
    const headers = credential === undefined ? {} : await this.readHeader(credential);
    if (headers === undefined) answerText(response, 502, `Chiron cannot read the credential for ${toHostText(target)}`);
    else forward(request, response, { target, addresses, path: url, secure: agent, headers });
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
