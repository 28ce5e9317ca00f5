import { Logger } from '@nestjs/common';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AppConfig } from '../config/app-config.js';
import { PeriodicLog } from './periodic-log.js';
import { closeSoon, type ErrorBody, refuseClient } from './refuse-client.js';

/** How long connections may take, in milliseconds. */
export interface ConnectionLimits {
  /** The headers of a request, from its first byte, and the first byte of a connection. Slow ones are looked for all `check`. */
  readonly headers: number;
  readonly check: number;
  /** A whole request with its body: 32 MB at 1 Mbit/s take 270 s. */
  readonly request: number;
  /** Silence before the first byte, and between two parts of a body. */
  readonly silence: number;
  /** How long an answer waits for a caller that does not read: its turn goes on, and can be attached to later. */
  readonly unread: number;
}

const LIMITS: ConnectionLimits = {
  headers: 20_000,
  check: 5_000,
  request: 300_000,
  silence: 30_000,
  unread: 300_000,
};

/** Sets what Node's own server does by itself: how many connections there may be, and for how long they may do nothing. */
export function configureHttpServer(
  server: Server,
  { keepAlive, maxConnections }: Pick<AppConfig, 'keepAlive' | 'maxConnections'>,
  errorBody: ErrorBody,
  limits: ConnectionLimits = LIMITS,
): void {
  // The next connection is refused, which its caller sees; without a limit the process would run out of file descriptors, and
  // neither the store nor an agent could be opened.
  server.maxConnections = maxConnections;
  const full = new PeriodicLog(
    new Logger('HttpServer'),
    (count) => `${count} connections refused: CHIRON_MAX_CONNECTIONS is reached`,
  );
  server.on('drop', () => full.note());
  // Longer than load balancers keep idle connections (AWS, nginx: 60 s): they would send a request on one that is just being closed.
  server.keepAliveTimeout = keepAlive;
  server.headersTimeout = limits.headers;
  server.requestTimeout = limits.request;
  // Not in Node's types: it is an option of `createServer`, which Nest calls. Read when the server begins to listen.
  Reflect.set(server, 'connectionsCheckingInterval', limits.check);
  server.timeout = limits.silence;
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    response.on('timeout', (socket: Socket) => onSilence(request, socket, limits));
  });
  // An expectation that nobody knows is ignored, as are unknown headers; Node by itself refuses it without a word.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  // Bytes that are not HTTP never reach Nest; their sender gets the same kind of answer all the same.
  server.on('clientError', (error, socket: Socket) => refuseClient(error, socket, errorBody));
}

/** Nothing was read or written for a while. An agent may work for hours without a word, and its caller waits. */
function onSilence(request: IncomingMessage, socket: Socket, limits: ConnectionLimits): void {
  if (!request.complete) {
    // Whoever reads the body is notified as well, and answers.
    closeSoon(socket);
  } else if (socket.timeout !== limits.unread) {
    socket.setTimeout(limits.unread);
  } else if (socket.writableLength > 0) {
    socket.destroy();
  }
}
