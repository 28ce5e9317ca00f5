import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import { createHash, timingSafeEqual } from 'node:crypto';
import { presentedKeys, Public } from '../../auth/api-key.guard.js';
import { Authenticator } from '../../auth/authenticator.js';
import { assertNotCrossSite } from '../../auth/web-pages.js';
import { AppConfig } from '../../config/app-config.js';
import { ServiceError } from '../../domain/service-error.js';
import { MetricsDocs } from './metrics.docs.js';
import { Metrics } from './metrics.js';

/** The metrics on the port of the API. They tell of all tenants, so that no API key reads them, but a key of their own. */
@Public()
@Controller()
export class MetricsController {
  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly metrics: Metrics,
    private readonly authenticator: Authenticator,
  ) {}

  /** @throws ServiceError (`not_found`, `unauthenticated`, or `unavailable` when the store cannot say whether a key is needed) */
  @Get('metrics')
  @MetricsDocs()
  async read(@Req() request: Request, @Res() response: Response): Promise<void> {
    await this.assertMayRead(request);
    const { type, text } = await this.metrics.read();
    response.type(type).send(text);
  }

  private async assertMayRead(request: Request): Promise<void> {
    const { metricsKey, metricsPort, corsOrigins } = this.config;
    if (metricsPort !== 0) throw new ServiceError('not_found', 'The metrics have a port of their own here.');
    if (metricsKey === undefined && !(await this.authenticator.needsKey())) {
      assertNotCrossSite(request, corsOrigins);
      return;
    }
    if (metricsKey !== undefined && presentedKeys(request).some((key) => isSame(key, metricsKey))) return;
    throw new ServiceError('unauthenticated', 'invalid metrics key, or CHIRON_METRICS_KEY is not set');
  }
}

function isSame(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
