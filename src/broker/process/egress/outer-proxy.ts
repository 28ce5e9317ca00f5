import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { BlockList, connect, isIP, isIPv6, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import { CONNECT_MS, UnreachableError } from './connect.ts';

/** Variables such as `HTTPS_PROXY` and `NO_PROXY`. */
export type ProxyVariables = Readonly<Record<string, string>>;

/**
 * The deployment's own proxy for a target; `undefined` for one that is reached directly. As for the calls of models (Node 24.21), the names in small letters
 * win, and only http(s) URLs count.
 *
 * @param scheme `https` for a tunnel, `http` for a request that a proxy reads
 */
export function findOuterProxy(
  variables: ProxyVariables,
  scheme: 'http' | 'https',
  target: NetworkTarget,
): URL | undefined {
  const find = (name: string) => variables[name] ?? variables[name.toUpperCase()];
  const url = URL.parse(find(`${scheme}_proxy`) ?? '');
  if (url === null || !/^https?:$/.test(url.protocol)) return undefined;
  const exceptions = (find('no_proxy') ?? '').toLowerCase().split(/[\s,]+/);
  return exceptions.some((exception) => isExceptionFor(exception, target)) ? undefined : url;
}

/** `*`, a name, `.name` and `*.name` for all below it, an address, or a network such as `10.0.0.0/8`; but for the last, each may have a port. */
function isExceptionFor(exception: string, { kind, host, port }: NetworkTarget): boolean {
  if (exception === '*') return true;
  const [network = '', bits] = exception.split('/', 2);
  if (bits !== undefined) return kind === 'address' && isInNetwork(host, network, Number(bits));
  const [, plain = exception, wanted] = isIPv6(exception) ? [] : (/^(.*?):(\d+)$/.exec(exception) ?? []);
  if (wanted !== undefined && Number(wanted) !== port) return false;
  const name = plain.replace(/^\[(.*)\]$/, '$1').replace(/^\*/, '');
  return name.startsWith('.') ? kind === 'name' && host.endsWith(name) : host === name;
}

function isInNetwork(address: string, network: string, bits: number): boolean {
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  if (isIP(network) === 0 || !(bits >= 0 && bits <= (family === 'ipv6' ? 128 : 32))) return false;
  const list = new BlockList();
  list.addSubnet(network, bits, family);
  return list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** The header by which a proxy's URL with a user logs in. */
export function toProxyHeaders({ username, password }: URL): Readonly<Record<string, string>> {
  if (username === '' && password === '') return {};
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { 'proxy-authorization': `Basic ${Buffer.from(text).toString('base64')}` };
}

/** A host and a port to connect to, as `http.request` takes them. */
export function toProxyAddress(proxy: URL): { readonly host: string; readonly port: number } {
  const port = proxy.port === '' ? (proxy.protocol === 'https:' ? 443 : 80) : Number(proxy.port);
  return { host: proxy.hostname.replace(/^\[(.*)\]$/, '$1'), port };
}

/**
 * Connects to a target by a tunnel of a proxy.
 *
 * @throws UnreachableError with what the proxy has answered
 */
export function connectThrough(proxy: URL, target: NetworkTarget): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = askForTunnel(proxy, toHostText(target));
    const fail = (why: string, status: 502 | 504 = 502) => {
      request.destroy();
      reject(new UnreachableError(status, target, `could not be reached by the proxy of this server: ${why}`));
    };
    const timer = setTimeout(() => fail('it did not answer in time', 504), CONNECT_MS);
    request.once('close', () => clearTimeout(timer));
    request.once('connect', (answer, socket: Socket, head: Buffer) => {
      clearTimeout(timer);
      if (answer.statusCode !== 200) {
        socket.destroy();
        fail(`it answered with status ${String(answer.statusCode)}`);
        return;
      }
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    // A proxy that takes no tunnels may answer with a page.
    request.once('response', (answer) => fail(`it answered with status ${String(answer.statusCode)}`));
    // The system's reason may hold the proxy's address.
    request.on('error', () => fail('it cannot be reached'));
    request.end();
  });
}

function askForTunnel(proxy: URL, authority: string): ClientRequest {
  const { host, port } = toProxyAddress(proxy);
  const options = {
    method: 'CONNECT',
    path: authority,
    headers: { host: authority, ...toProxyHeaders(proxy) },
  };
  // A tunnel has to carry the end of one direction, as that of `connectTo` does.
  if (proxy.protocol === 'http:') {
    return httpRequest({ ...options, createConnection: () => connect({ host, port, allowHalfOpen: true }) });
  }
  const servername = isIP(host) === 0 ? host : '';
  return httpsRequest({
    ...options,
    createConnection: () => connectTls({ host, port, servername, ALPNProtocols: ['http/1.1'] }),
  });
}
