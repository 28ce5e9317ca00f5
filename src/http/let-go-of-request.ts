import type { Response } from 'express';
import { OutgoingMessage } from 'node:http';
import { REQUEST_ID_HEADER } from './request-id.js';

/** Where Node keeps the headers of a response, also when it has sent its head; `undefined` if it has another place for them. */
const HEADERS = Object.getOwnPropertySymbols(new OutgoingMessage()).find(
  ({ description }) => description === 'kOutHeaders',
);

const NOTHING = Object.freeze({});

/**
 * Lets go of what nobody reads any more once the head of a stream is sent, and which would be held for as long as the stream: two kilobytes, most of
 * them Express's `next`, with the variables of its routers, and the headers, as text and by their names. The id of the request stays.
 */
export function letGoOfRequest(response: Response): void {
  const { req: request } = response;
  request.next = undefined;
  request.params = NOTHING;
  // Express's, which makes it again if it is needed.
  Reflect.set(request, '_parsedUrl', undefined);
  // `headers` has what is read of them.
  request.rawHeaders = [];
  response.locals = NOTHING;
  // The head as text. From now on Node looks only whether there was one (24.21, `_http_outgoing.js`).
  if (Reflect.get(response, '_headerSent') === true) Reflect.set(response, '_header', 'sent');
  if (HEADERS === undefined) return;
  const headers: unknown = Reflect.get(response, HEADERS);
  if (typeof headers !== 'object' || headers === null) return;
  Reflect.set(response, HEADERS, { [REQUEST_ID_HEADER]: Reflect.get(headers, REQUEST_ID_HEADER) });
}
