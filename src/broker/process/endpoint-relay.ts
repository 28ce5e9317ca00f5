import { type IncomingMessage, request as startRequest, type ServerResponse } from 'node:http';
import { THREAD_HEADER } from '../protocol.ts';
import { toEndToEndHeaders } from './headers.ts';

/** Node throws at a path with other characters than an endpoint of the server has. */
const PATH = /^\/[a-z0-9/]+$/;

/** Passes a request of a thread's program on to the server, and its answer back. Without a server to pass it to, it is not found. */
export function relayToServer(
  request: IncomingMessage,
  response: ServerResponse,
  threadId: string,
  port: number | undefined,
): void {
  const { method = 'POST', url: path = '' } = request;
  if (port === undefined || !PATH.test(path)) {
    request.resume();
    response.writeHead(404).end();
    return;
  }
  // The credential is that of the broker.
  const headers = {
    ...toEndToEndHeaders(request, ['authorization', 'host', THREAD_HEADER]),
    [THREAD_HEADER]: threadId,
  };
  const outgoing = startRequest({ host: '127.0.0.1', port, method, path, headers });
  outgoing.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, toEndToEndHeaders(answer));
    // Else the headers of a stream would wait for its first event.
    response.flushHeaders();
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  // The server sees when the program has given up.
  response.once('close', () => outgoing.destroy());
  request.pipe(outgoing);
}
