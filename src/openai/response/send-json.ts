import type { Response } from 'express';

/** Sends JSON. As bytes: Node would encode a string together with the headers, and a thread key may have non-ASCII characters. */
export function sendJson(body: object, response: Response): void {
  if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' });
  response.end(Buffer.from(JSON.stringify(body)));
}
