import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import { Logger } from 'nestjs-pino';
import { AppModule } from './app.module.js';
import { allowOrigins } from './auth/cors.js';
import { AppConfig } from './config/app-config.js';
import { HarnessRegistry } from './harness/harness.registry.js';
import { ClosingAdapter } from './http/closing-adapter.js';
import { configureHttpServer } from './http/http-server.js';
import { plainPathMiddleware } from './http/plain-path.js';
import { requestIdMiddleware } from './http/request-id.js';
import { encodeErrorEnvelope, toErrorReply } from './messages/response/error-reply.js';
import { assertIsolatesTenants } from './start/isolation.js';
import { httpMetrics } from './ops/metrics/http-metrics.js';
import { Metrics } from './ops/metrics/metrics.js';
import { Traces } from './ops/traces/traces.js';
import { assertClosedToOthers } from './start/open-access.js';
import { KeyStore } from './storage/stores/key.store.js';
import { setUpOpenApi } from './ops/openapi.js';
import { assertNoLoop } from './ops/upstream.js';
import { SandboxChoice } from './sandbox/kinds.js';

/**
 * The application, wired and with its routes, but not listening yet; tests make theirs in the same way.
 *
 * @throws ConfigurationError when the configured default harness is not here or would ask this very server, or when the server would be open to
 * others without keys; StorageOpenError when the store cannot be opened.
 */
export async function createServer(config: AppConfig): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule.forRoot(config), new ClosingAdapter(), {
    // Bodies are read after the guard has let the request in, with the protocol's own limit and errors.
    bodyParser: false,
    // Nest's own account of its modules and routes would bury the summary of the start, and its errors are thrown anyway.
    logger: ['fatal', 'warn'],
    abortOnError: false,
  });
  configure(app);
  try {
    const keys = app.get(KeyStore);
    assertClosedToOthers(config, await keys.hasAny());
    assertIsolatesTenants(config, app.get<SandboxChoice>(SandboxChoice), await keys.tenantsInUse());
    const registry = app.get(HarnessRegistry);
    await registry.probeAll();
    assertNoLoop(config, registry.available);
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
  app.use(requestIdMiddleware);
  app.use(httpMetrics(app.get(Metrics)));
  // Before the log, whose lines have the id of the trace.
  const traces = app.get(Traces);
  if (traces.areOn) app.use(traces.middleware);
  const config = app.get<AppConfig>(AppConfig);
  allowOrigins(app, config.corsOrigins);
  app.use(plainPathMiddleware);
  app.disable('x-powered-by');
  app.disable('etag');
  setUpOpenApi(app);
  const server: Server = app.getHttpServer();
  // Bytes that are not HTTP belong to no door; they get the envelope of the Messages API.
  configureHttpServer(server, config, (error, requestId) => encodeErrorEnvelope(toErrorReply(error).error, requestId));
}
