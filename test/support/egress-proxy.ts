import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer, request, type RequestListener, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type Server as NetServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { parseAllowedHosts } from '../../src/config/allowed-hosts.js';
import type { HostRule } from '../../src/domain/host-rule.js';
import type { HostLimit } from '../../src/domain/policy/agent-rules.js';
import type { ToolCredential } from '../../src/domain/tool-credential.js';
import { createEgress, type EgressOptions } from '../../src/broker/process/egress/egress.js';
import { type CertificateAuthority, makeHostCertificate } from '../../src/broker/process/egress/tls/authority.js';

/** A proxy on a loopback port, for one thread. */
export interface TestProxy {
  readonly port: number;
  readonly url: string;
  /** What was reported, in order. */
  readonly refusals: readonly string[];
  /** The names that were resolved, in order. */
  readonly resolved: readonly string[];
  /** Limits the thread; see `Egress.limit`. */
  limit(...limits: readonly HostLimit[]): void;
  close(): Promise<void>;
}

/** Starts a proxy. Every name has the address of this machine, unless `resolve` says otherwise. */
export async function startProxy(options: Partial<EgressOptions>): Promise<TestProxy> {
  const refusals: string[] = [];
  const resolved: string[] = [];
  const { resolve = () => Promise.resolve(['127.0.0.1']) } = options;
  const egress = createEgress({
    network: 'allowlist',
    allowedHosts: [],
    credentials: [],
    ...options,
    onRefused: (threadId, what) => void refusals.push(`${threadId}: ${what}`),
    resolve: (name) => {
      resolved.push(name);
      return resolve(name);
    },
  });
  const server = createHttpServer((incoming, response) => egress.handleRequest(incoming, response, 'thread'));
  server.on('connect', (incoming, socket, head: Buffer) => egress.handleConnect(incoming, socket, head, 'thread'));
  const port = await listen(server);
  const close = async () => {
    egress.close();
    await closeServer(server);
  };
  const limit = (...limits: readonly HostLimit[]): void => egress.limit('thread', limits);
  return { port, url: `http://127.0.0.1:${port}`, refusals, resolved, limit, close };
}

/** The rules of a setting's text. */
export function allow(hosts: string): readonly HostRule[] {
  const parsed = parseAllowedHosts(hosts);
  if (!('value' in parsed)) throw new Error(parsed.expected);
  return parsed.value;
}

/** A bearer token for a host. */
export function bearerFor(host: string, port: number, secret = 'the-secret'): ToolCredential {
  return {
    host: { kind: 'name', host, ports: [port] },
    form: { kind: 'bearer', secret: { kind: 'value', value: secret } },
    paths: [],
    methods: [],
  };
}

/** Listens on a free port of this machine. */
export async function listen(server: Server | NetServer): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** An https server of `host`, whose certificate the authority signed. */
export async function makeHttpsServer(authority: CertificateAuthority, host: string, listener: RequestListener) {
  return createHttpsServer(await makeHostCertificate(authority, { kind: 'name', host }), listener);
}

/** Closes a server and its connections. */
export async function closeServer(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  if (server.listening) await once(server, 'close');
}

/** Sends a request in absolute form. */
export async function ask(
  proxy: TestProxy,
  url: string,
  { method = 'GET', headers = {}, body = '' } = {},
): Promise<{
  readonly status: number | undefined;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}> {
  const sent = request({ port: proxy.port, method, path: url, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  return { status: response.statusCode, text: await text(response), headers: response.headers };
}

/** Sends bytes as they are, and reads until the proxy closes. */
export async function sendRaw(proxy: TestProxy, bytes: string): Promise<string> {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.write(bytes);
  return await text(socket);
}

/** Asks for a tunnel; with `allowHalfOpen`, its socket can be written to after the other side has ended. */
export async function openTunnel(
  proxy: TestProxy,
  authority: string,
  allowHalfOpen = false,
): Promise<{ readonly status: number | undefined; readonly socket: Socket }> {
  const createConnection = () => connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen });
  const sent = request({ method: 'CONNECT', path: authority, createConnection });
  sent.end();
  const [response, socket] = await once(sent, 'connect');
  return { status: response.statusCode, socket };
}

/** Runs a program with an environment of its own; never rejects. */
export async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number; readonly output: string }> {
  const { PATH = '', HOME = '' } = process.env;
  try {
    const { stdout, stderr } = await promisify(execFile)(program, [...args], {
      env: { PATH, HOME, ...env },
      timeout: 60_000,
    });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  }
}
