import type { IncomingMessage } from 'node:http';
import type { Upstream } from '../../protocol.ts';
import { toEndToEndHeaders } from '../headers.ts';

/** What the agent says about itself is not believed, and `accept-encoding` would hide the token count. */
const DROPPED = ['host', 'x-api-key', 'authorization', 'cookie', 'accept-encoding'];

/** Whether the answer to a request costs tokens. */
export function isCounted({ method }: IncomingMessage, path: string): boolean {
  return method === 'POST' && !path.endsWith('/count_tokens');
}

/** Whether agents may send a request of this method to this path below an API's base URL. */
export function isRoute({ routes }: Upstream, method: string, path: string): boolean {
  return routes.some((route) => {
    const [wanted, pattern = ''] = route.split(' ', 2);
    if (wanted !== method) return false;
    if (!pattern.endsWith('*')) return path === pattern;
    const rest = path.startsWith(pattern.slice(0, -1)) ? path.slice(pattern.length - 1) : '';
    return /^[\w.:@-]+$/.test(rest) && !/^\.+$/.test(rest);
  });
}

/**
 * The headers with which a request goes on to its API: the agent's, but for its credentials, and the deployment's.
 *
 * @param traceparent of the agent's turn, which replaces the agent's own; `undefined` to leave that
 */
export function toUpstreamHeaders(
  request: IncomingMessage,
  upstream: Upstream,
  traceparent?: string,
): Record<string, string | string[]> {
  const bodyless = request.method === 'POST' ? [] : ['content-length'];
  const headers: Record<string, string | string[]> = toEndToEndHeaders(request, [...DROPPED, ...bodyless]);
  for (const [name, added] of Object.entries(upstream.addedValues ?? {})) {
    const own = [headers[name] ?? []].flat().flatMap((value) => value.split(','));
    headers[name] = [...new Set([...own, added].map((value) => value.trim()))].join(',');
  }
  if (traceparent !== undefined) {
    headers['traceparent'] = traceparent;
    // It belongs to the agent's own.
    delete headers['tracestate'];
  }
  return { ...headers, 'accept-encoding': 'identity', ...upstream.headers };
}
