import { Logger } from '@nestjs/common';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AppConfig } from '../config/app-config.js';
import { PeriodicLog } from './periodic-log.js';
import { closeSoon, type ErrorBody, refuseClient } from './refuse-client.js';

/** Time limits of connections, in milliseconds. */
export interface ConnectionLimits {
  /** For the headers of a request, from its first byte, and for the first byte of a connection. Checked every `check`. */
  readonly headers: number;
  readonly check: number;
  /** For a complete request with its body: 32 MB at 1 Mbit/s take 270 s. */
  readonly request: number;
  /** For silence between two parts of a body. `headers` ends a connection that sends nothing sooner. */
  readonly silence: number;
  /** For a caller that does not read its answer. Its turn continues, and the caller can attach to it later. */
  readonly unread: number;
}

const LIMITS: ConnectionLimits = {
  headers: 20_000,
  check: 5_000,
  request: 300_000,
  silence: 30_000,
  unread: 300_000,
};

/** Sets the limits of Node's HTTP server on connections and idle times, and how it answers malformed requests. */
export function configureHttpServer(
  server: Server,
  { keepAliveMs, maxConnections }: Pick<AppConfig, 'keepAliveMs' | 'maxConnections'>,
  errorBody: ErrorBody,
  limits: ConnectionLimits = LIMITS,
): void {
  // Further connections are refused, which callers see. Without a limit the process would run out of file descriptors and could open
  // neither the store nor an agent.
  server.maxConnections = maxConnections;
  const full = new PeriodicLog(
    new Logger('HttpServer'),
    (count) => `${count} connections refused: CHIRON_MAX_CONNECTIONS is reached`,
  );
  server.on('drop', () => full.note());
  // Longer than load balancers keep idle connections (AWS, nginx: 60 s); otherwise they send requests on closing connections.
  server.keepAliveTimeout = keepAliveMs;
  server.headersTimeout = limits.headers;
  server.requestTimeout = limits.request;
  // Missing in Node's types: it is an option of `createServer`, which Nest calls. Node reads it when the server starts to listen.
  Reflect.set(server, 'connectionsCheckingInterval', limits.check);
  server.timeout = limits.silence;
  // One function for all responses: each of its own would be held for as long as its stream.
  function onTimeout(this: ServerResponse, socket: Socket): void {
    onSilence(this.req, socket, limits);
  }
  server.prependListener('request', (_request: IncomingMessage, response: ServerResponse) => {
    response.on('timeout', onTimeout);
  });
  // Ignore unknown `Expect` headers. By default Node answers 417 with an empty body.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  // Malformed HTTP never reaches Nest; its sender gets the same error envelope here.
  server.on('clientError', (error, socket: Socket) => refuseClient(error, socket, errorBody));
}

/** Handles a connection without reads or writes. An agent may be silent for hours while its caller waits. */
function onSilence(request: IncomingMessage, socket: Socket, limits: ConnectionLimits): void {
  if (!request.complete) {
    // The reader of the body gets the same event and answers.
    closeSoon(socket);
  } else if (socket.timeout !== limits.unread) {
    socket.setTimeout(limits.unread);
  } else if (socket.writableLength > 0) {
    socket.destroy();
  }
}
