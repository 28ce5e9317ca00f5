import type { Response } from 'express';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a download is. */
export interface Download {
  readonly name: string;
  readonly mediaType: string;
  /** Bytes; `undefined` if that is not known before the end. */
  readonly size: number | undefined;
  /** Milliseconds since the epoch, if it is known. */
  readonly modifiedMs?: number;
}

/**
 * The headers of a download. A browser that opens it saves it, and runs nothing of it: agents and callers may have written a page whose scripts would
 * have the rights of the server's own pages.
 */
export function toDownloadHeaders({ name, mediaType, size, modifiedMs }: Download): Readonly<Record<string, string>> {
  return {
    'content-type': mediaType,
    'content-disposition': toDisposition(name),
    'x-content-type-options': 'nosniff',
    'content-security-policy': "sandbox; default-src 'none'",
    'cache-control': 'private, no-cache',
    ...(size === undefined ? {} : { 'content-length': String(size) }),
    ...(modifiedMs === undefined ? {} : { 'last-modified': new Date(modifiedMs).toUTCString() }),
  };
}

/** [RFC 6266]: the name in ASCII for old clients, and all of it for the others. */
function toDisposition(name: string): string {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}

/**
 * Sends a download as fast as its caller reads, or the headers alone. Resolves when it is sent, and also when the caller has left. When the bytes break off, the connection is cut,
 * which is the only sign that is left, and this rejects.
 *
 * @param body `undefined` for a HEAD, for which nothing is to be opened: what is opened and not read stays open
 */
export async function sendBytes(
  response: Response,
  download: Download,
  body: AsyncIterable<Uint8Array> | undefined,
): Promise<void> {
  // Express would say in which encoding a text is, which only its writer knows.
  for (const [name, value] of Object.entries(toDownloadHeaders(download))) response.setHeader(name, value);
  if (body === undefined) {
    response.end();
    return;
  }
  try {
    await pipeline(Readable.from(body, { objectMode: false }), response);
  } catch (error) {
    if (!response.destroyed || response.errored !== null) throw error;
  }
}
