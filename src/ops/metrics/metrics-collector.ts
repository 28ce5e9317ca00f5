import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Subscription } from 'rxjs';
import { AppConfig } from '../../config/app-config.js';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import { DiskWatch } from '../../storage/disk-watch.js';
import { EventLog } from '../../storage/event-log/event-log.js';
import { TurnRunner } from '../../turns/running/turn.runner.js';
import { WebhookSender } from '../../webhooks/webhook-sender.js';
import { Metrics } from './metrics.js';

/** Feeds the metrics with what happens in the server. */
@Injectable()
export class MetricsCollector implements OnApplicationShutdown {
  readonly #subscription = new Subscription();

  constructor(
    @Inject(AppConfig) config: AppConfig,
    metrics: Metrics,
    runner: TurnRunner,
    gateway: HarnessGateway,
    log: EventLog,
    disk: DiskWatch,
    webhooks: WebhookSender,
  ) {
    this.#subscription.add(runner.ended$.subscribe((ended) => metrics.turnEnded(ended)));
    this.#subscription.add(gateway.starts$.subscribe((harness) => metrics.harnessStarted(harness)));
    this.#subscription.add(log.flushes$.subscribe((ms) => metrics.flushed(ms)));
    this.#subscription.add(webhooks.outcomes$.subscribe((outcome) => metrics.webhookTried(outcome)));
    metrics.readLevelsFrom(() => ({
      ...runner.counts,
      slots: config.maxConcurrentTurns,
      readers: log.stats.readers,
      pendingEvents: log.stats.pendingEvents,
      warm: gateway.counts.warm,
      isDiskLow: disk.isLow,
    }));
  }

  onApplicationShutdown(): void {
    this.#subscription.unsubscribe();
  }
}
