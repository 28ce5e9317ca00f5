import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { allowOrigins } from './auth/cors.js';
import { AppConfig } from './config/app-config.js';
import { HarnessRegistry } from './harness/harness.registry.js';
import { errorEnvelope } from './messages/anthropic-error.filter.js';
import { plainPath } from './messages/plain-path.js';
import { newRequestId, requestId } from './messages/request-id.js';
import { setUpOpenApi } from './ops/openapi.js';
import type { AnthropicErrorType } from './translator/anthropic-error.js';

/**
 * The application, wired and with its routes, but not listening yet; tests make theirs in the same way.
 *
 * @throws ConfigurationError when the configured default harness is not here, StorageOpenError when the store cannot be opened.
 */
export async function createServer(config: AppConfig): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config), {
    // Bodies are read after the guard has let the request in, with the protocol's own limit and errors.
    bodyParser: false,
    // Nest's own account of its modules and routes would bury the summary of the start, and its errors are thrown anyway.
    logger: ['fatal', 'warn'],
    abortOnError: false,
    forceCloseConnections: true,
  });
  configure(app);
  try {
    await app.get(HarnessRegistry).find();
    await app.init();
    app.useLogger(app.get(Logger));
  } catch (error) {
    await app.close();
    throw error;
  }
  return app;
}

/** What every instance of the server has, however its modules were made. */
export function configure(app: NestExpressApplication): void {
  // The first of all, so that every response has its id: those of the documentation and of unknown routes, too.
  app.use(requestId);
  allowOrigins(app, app.get<AppConfig>(AppConfig).corsOrigins);
  app.use(plainPath);
  app.disable('x-powered-by');
  app.disable('etag');
  setUpOpenApi(app);
  const server: Server = app.getHttpServer();
  // An expectation that nobody knows is ignored, as are unknown headers; Node by itself refuses it without a word.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  // Bytes that are not HTTP never reach Nest; their sender gets the same kind of answer all the same.
  server.on('clientError', (error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }, socket: Socket) => {
    // While a request is answered on the connection, the sender would take a refusal for the answer, or for a part of it.
    if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
      socket.destroy();
      return;
    }
    const id = newRequestId();
    const refusal = refusalOf(error.code);
    const body = errorEnvelope({ type: refusal.type, message: refusal.message }, id);
    const isHead = error.rawPacket?.subarray(0, 5).toString('latin1') === 'HEAD ';
    socket.end(
      `HTTP/1.1 ${refusal.status}\r\nrequest-id: ${id}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${isHead ? '' : body}`,
    );
  });
}

/** Whether a request on this connection has not got the whole of its answer: Node keeps the response that is under way with the socket. */
function isAnswering(socket: Socket): boolean {
  return (Reflect.get(socket, '_httpMessage') ?? null) !== null;
}

/** What a sender is told whose bytes Node could not make a request of. */
function refusalOf(code: string | undefined): {
  readonly status: string;
  readonly type: AnthropicErrorType;
  readonly message: string;
} {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return {
        status: '431 Request Header Fields Too Large',
        type: 'invalid_request_error',
        message: 'The request headers are too large.',
      };
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { status: '408 Request Timeout', type: 'timeout_error', message: 'The request took too long to arrive.' };
    default:
      return { status: '400 Bad Request', type: 'invalid_request_error', message: 'This is not HTTP.' };
  }
}
