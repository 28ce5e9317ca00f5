import { type NetworkTarget, normalizeHost } from '../../../domain/host-rule.ts';

/** The target of an absolute-form request, and the path that is asked of it. */
export interface AbsoluteTarget {
  readonly target: NetworkTarget;
  /** Path and query. */
  readonly path: string;
}

/** Parses the authority of a `CONNECT`, `host:port`; `undefined` if it is none, such as one with user information. */
export function parseConnectTarget(authority: string): NetworkTarget | undefined {
  const [, host = '', digits = ''] = /^(\[[^[\]]*\]|[^:[\]]+):(\d{1,5})$/.exec(authority) ?? [];
  return toTarget(host, Number(digits));
}

/** Parses the URL of an absolute-form request; `undefined` for other schemes than http, for user information and for odd hosts. */
export function parseAbsoluteTarget(text: string): AbsoluteTarget | undefined {
  // The text is split before a URL parser sees it, as that would decode the host and move dot segments.
  const [, host = '', digits = '80', path = ''] =
    /^http:\/\/(\[[^[\]]*\]|[^:[\]/?#@\\]+)(?::(\d{1,5}))?([/?][^#]*)?$/i.exec(text) ?? [];
  const target = toTarget(host, Number(digits));
  return target && { target, path: path.startsWith('/') ? path : `/${path}` };
}

function toTarget(text: string, port: number): NetworkTarget | undefined {
  const host = normalizeHost(text);
  return host !== undefined && port > 0 && port < 65_536 ? { ...host, port } : undefined;
}
