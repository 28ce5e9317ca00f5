import type { IncomingMessage } from 'node:http';

/** Headers of one connection, which are no part of the message (RFC 9110, 7.6.1). `expect` was answered on this side already. */
const HOP_BY_HOP = /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|proxy-.*)$/;

/** The headers that go on with a message: all but those of the connection, those that `Connection` names, and `dropped`. */
export function toEndToEndHeaders(
  { headersDistinct }: Pick<IncomingMessage, 'headersDistinct'>,
  dropped: readonly string[] = [],
): Record<string, string[]> {
  const named = new Set(headersDistinct['connection']?.flatMap((value) => value.toLowerCase().split(/\s*,\s*/)));
  // Without its length, a body would be taken for the next request.
  named.delete('content-length');
  const out = new Set([...named, ...dropped]);
  return Object.fromEntries(
    Object.entries(headersDistinct).flatMap(([name, values]) =>
      values === undefined || HOP_BY_HOP.test(name) || out.has(name) ? [] : [[name, values]],
    ),
  );
}
