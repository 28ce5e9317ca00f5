import type { IncomingMessage } from 'node:http';
import type { Upstream } from '../../protocol.ts';
import { toEndToEndHeaders } from '../headers.ts';

/** What the agent says about itself is not believed, and `accept-encoding` would hide the token count. */
const DROPPED = ['host', 'x-api-key', 'x-goog-api-key', 'authorization', 'cookie', 'accept-encoding'];

/** Whether the answer to a request costs tokens. */
export function isCounted({ method }: Pick<IncomingMessage, 'method'>, path: string): boolean {
  return method === 'POST' && !path.endsWith('/count_tokens') && !path.endsWith(':countTokens');
}

/** Whether agents may send a request of this method to this path below an API's base URL. */
export function isRoute({ routes }: Upstream, method: string, path: string): boolean {
  return routes.some((route) => {
    const [wanted, pattern = ''] = route.split(' ', 2);
    if (wanted !== method) return false;
    const [start = '', end] = pattern.split('*', 2);
    if (end === undefined) return path === pattern;
    const part = path.length > start.length + end.length ? path.slice(start.length, path.length - end.length) : '';
    if (!path.startsWith(start) || !path.endsWith(end) || /^\.+$/.test(part)) return false;
    return end === '' ? /^[\w.:@-]+$/.test(part) : /^[\w.@-]+$/.test(part);
  });
}

/** The model that a request of the Gemini API names in its path; empty for none. */
export function readPathModel(path: string): string {
  return /\/models\/([^/:]+)(?::\w+)?$/.exec(path)?.[1] ?? '';
}

/** A query without the key that a client of the Gemini API may have in it, in the place of a header. */
export function toUpstreamQuery({ answers }: Upstream, query: string): string {
  if (answers !== 'gemini') return query;
  const fields = new URLSearchParams(query);
  fields.delete('key');
  return fields.toString();
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
