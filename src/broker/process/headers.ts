import type { IncomingHttpHeaders } from 'node:http';

/** Headers of one connection, which are no part of the message (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  ...['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
];

/** The headers that go on with a message: all but those of the connection, those that `Connection` names, and `dropped`. */
export function toForwardedHeaders(
  headers: IncomingHttpHeaders,
  dropped: readonly string[] = [],
): Record<string, string | string[]> {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const out = new Set([...HOP_BY_HOP, ...named, ...dropped]);
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined || out.has(name) ? [] : [[name, value]])),
  );
}
