import { Inject, Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { NextFunction, Request, Response } from 'express';
import { ThisNode } from '../../cluster/this-node.js';
import { AppConfig } from '../../config/app-config.js';
import { PeriodicLog } from '../../http/periodic-log.js';
import { TurnRunner } from '../../turns/running/turn.runner.js';
import { isPolled } from '../request-log.js';
import type { Tracing } from './tracing.js';

/**
 * Traces of requests and of the turns that run here, for an OpenTelemetry collector. Without `OTEL_EXPORTER_OTLP_ENDPOINT` nothing of
 * OpenTelemetry is loaded.
 */
@Injectable()
export class Traces implements OnModuleInit, OnApplicationShutdown {
  readonly #failures = new PeriodicLog(
    new Logger(Traces.name),
    (count, reason) => `traces could not be exported ${count} times: ${reason}`,
  );
  #tracing: Tracing | undefined;

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly runner: TurnRunner,
    private readonly node: ThisNode,
  ) {}

  /** Whether there are traces at all. */
  get areOn(): boolean {
    return this.config.otlpEndpoint !== undefined;
  }

  async onModuleInit(): Promise<void> {
    const { otlpEndpoint, capturesContent } = this.config;
    if (otlpEndpoint === undefined) return;
    const { startTracing } = await import('./tracing.js');
    this.#tracing = startTracing({
      endpoint: otlpEndpoint,
      instance: this.node.id,
      capturesContent: capturesContent === 'true',
      onFailure: (reason) => this.#failures.note(reason),
    });
    this.runner.observeTurns(this.#tracing.turns);
  }

  /** Express middleware with a span for each request. What comes after it sees the request as the span's child. */
  readonly middleware = (request: Request, response: Response, next: NextFunction): void => {
    if (!isPolled(request)) this.#tracing?.beginRequest(request, response);
    next();
  };

  /** All spans have ended by now: turns are drained, and connections closed. */
  async onApplicationShutdown(): Promise<void> {
    await this.#tracing?.shutDown();
  }
}
