import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { FilestoreModule } from '../filestore/filestore.module.js';
import { HarnessModule } from '../harness/harness.module.js';
import { TurnsModule } from '../turns/turns.module.js';
import { WebhooksModule } from '../webhooks/webhooks.module.js';
import { HealthController } from './health.controller.js';
import { MetricsCollector } from './metrics/metrics-collector.js';
import { MetricsServer } from './metrics/metrics-server.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { Metrics } from './metrics/metrics.js';
import { Traces } from './traces/traces.js';

/** Health checks, metrics and traces for operators and load balancers. */
@Module({
  imports: [AuthModule, FilestoreModule, HarnessModule, TurnsModule, WebhooksModule],
  controllers: [HealthController, MetricsController],
  providers: [Metrics, MetricsCollector, MetricsServer, Traces],
})
export class OpsModule {}
