import {
  type ClientRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  request as httpRequest,
  type ServerResponse,
} from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import { type NetworkTarget, toHostText } from '../../../domain/host-rule.ts';
import { toEndToEndHeaders } from '../headers.ts';
import { CONNECT_MS, IDLE_MS, pinnedTo, toUnreachable, UnreachableError } from './connect.ts';
import { toProxyAddress, toProxyHeaders } from './outer-proxy.ts';

/** A request for a checked host. */
export interface Forwarding {
  readonly target: NetworkTarget;
  /** Path and query. */
  readonly path: string;
  readonly addresses: readonly string[];
  /** The deployment's own proxy for plain http; `undefined` to connect to the addresses. */
  readonly proxy: URL | undefined;
  /** Connections over TLS; absent for plain http. */
  readonly secure?: HttpsAgent;
  /** Headers that replace those that the client sent. */
  readonly headers: Readonly<Record<string, string>>;
}

const METHODS_WITH_BODY = /^(?:POST|PUT|PATCH)$/;

/**
 * Sends a client's request to its host and the host's answer to the client; both are streamed. A host that cannot be reached becomes a 502 or 504,
 * one that fails in the middle of its answer closes the client's connection. A client that leaves ends the request.
 *
 * @throws for a request that Node reads and does not write.
 */
export function forward(request: IncomingMessage, response: ServerResponse, forwarding: Forwarding): void {
  const { target } = forwarding;
  const upstream = send(request, forwarding);
  const fail = (error: UnreachableError) => {
    upstream.destroy();
    if (response.destroyed) return;
    if (response.headersSent) response.destroy();
    else answerText(response, error.status, error.message);
  };
  upstream.on('socket', (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => fail(new UnreachableError(504, target)), CONNECT_MS);
    for (const event of ['connect', 'close'] as const) socket.once(event, () => clearTimeout(timer));
  });
  upstream.setTimeout(IDLE_MS, () => fail(new UnreachableError(504, target)));
  upstream.on('error', (error) => fail(toUnreachable(error, target)));
  upstream.on('response', (answer) => {
    try {
      response.writeHead(answer.statusCode ?? 0, answer.statusMessage, toEndToEndHeaders(answer));
    } catch (error) {
      // Node reads more from a host than it writes, such as the status 000.
      fail(toUnreachable(error, target));
      return;
    }
    // Headers at once: the body of an event stream may come much later.
    response.flushHeaders();
    // An answer that breaks off must not look complete: the pipeline closes the client's connection.
    pipeline(answer, response, () => undefined);
  });
  // Without an answer there may be no error either, as for a protocol that nobody asked to switch to.
  upstream.on('close', () => {
    if (!response.headersSent) fail(new UnreachableError(502, target));
  });
  response.on('close', () => upstream.destroy());
  // A request that breaks off destroys the other one; 'error' of `upstream` tells of everything else.
  pipeline(request, upstream, () => undefined);
}

function send(request: IncomingMessage, forwarding: Forwarding): ClientRequest {
  const { target, path, addresses, secure, proxy } = forwarding;
  const { host, port } = target;
  const headers = toForwardedHeaders(request, forwarding);
  const { method } = request;
  if (secure !== undefined) return httpsRequest({ method, host, port, path, headers, agent: secure });
  if (proxy === undefined)
    return httpRequest({ method, host, port, path, headers, agent: false, ...pinnedTo(addresses) });
  return (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    ...toProxyAddress(proxy),
    method,
    path: `http://${headers.host}${path}`,
    headers: { ...headers, ...toProxyHeaders(proxy) },
    agent: false,
  });
}

/** Answers with one line of plain text. */
export function answerText(response: ServerResponse, status: number, line: string): void {
  // Several clients show the status text only.
  response.writeHead(status, line, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${line}\n`);
}

function toForwardedHeaders(
  request: IncomingMessage,
  { target, secure, headers }: Forwarding,
): OutgoingHttpHeaders & { readonly host: string } {
  const isDefaultPort = target.port === (secure ? 443 : 80);
  const host = isDefaultPort ? toHostText(target).replace(/:\d+$/, '') : toHostText(target);
  return { ...toEndToEndHeaders(request), ...framingOf(request), ...headers, host };
}

/** How the length of the body is told, which Node would choose by the method alone. */
function framingOf({ headers, method = '' }: IncomingMessage): OutgoingHttpHeaders {
  if (headers['transfer-encoding'] !== undefined) return { 'transfer-encoding': 'chunked' };
  const hasNoBody = headers['content-length'] === undefined;
  return hasNoBody && METHODS_WITH_BODY.test(method) ? { 'content-length': '0' } : {};
}
