import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { AppConfig } from '../../config/app-config.js';
import { Metrics } from './metrics.js';

/** Serves the metrics on a port of their own, if there is one. Its network is what keeps others away. */
@Injectable()
export class MetricsServer implements OnApplicationBootstrap, OnApplicationShutdown {
  #server: Server | undefined;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly metrics: Metrics,
  ) {}

  /** Rejects, and the server does not start, when the port cannot be had. */
  async onApplicationBootstrap(): Promise<void> {
    const { metricsPort, host } = this.config;
    if (metricsPort === 0) return;
    this.#server = createServer((request, response) => {
      if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      this.metrics.read().then(
        ({ type, text }) => response.writeHead(200, { 'content-type': type }).end(text),
        (error: unknown) => response.destroy(error instanceof Error ? error : undefined),
      );
    });
    this.#server.listen(metricsPort, host);
    await once(this.#server, 'listening');
  }

  onApplicationShutdown(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}
