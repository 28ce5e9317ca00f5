import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { merge, Subscription } from 'rxjs';
import { CallerLimits } from '../../auth/caller-limits.js';
import { AppConfig } from '../../config/app-config.js';
import { UploadedFiles } from '../../filestore/uploaded-files.js';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import { DiskWatch } from '../../storage/disk-watch.js';
import { EventLog } from '../../storage/event-log/event-log.js';
import { PolicyAdmission } from '../../turns/matching/policy-admission.js';
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
    admission: PolicyAdmission,
    limits: CallerLimits,
    files: UploadedFiles,
  ) {
    this.#subscription.add(files.transfers$.subscribe((transfer) => metrics.fileMoved(transfer)));
    this.#subscription.add(runner.ended$.subscribe((ended) => metrics.turnEnded(ended)));
    this.#subscription.add(gateway.starts$.subscribe((harness) => metrics.harnessStarted(harness)));
    this.#subscription.add(log.flushes$.subscribe((ms) => metrics.flushed(ms)));
    this.#subscription.add(webhooks.outcomes$.subscribe((outcome) => metrics.webhookTried(outcome)));
    const refusals$ = merge(admission.refusals$, limits.refusals$);
    this.#subscription.add(refusals$.subscribe((limit) => metrics.limitRefused(limit)));
    this.#subscription.add(gateway.refusals$.subscribe(() => metrics.sandboxRefused()));
    metrics.readLevelsFrom(() => ({
      ...runner.counts,
      slots: config.maxConcurrentTurns,
      readers: log.stats.readers,
      pendingEvents: log.stats.pendingEvents,
      warm: gateway.counts.warm,
      parked: gateway.counts.parked,
      spares: gateway.counts.spares,
      isDiskLow: disk.isLow,
    }));
  }

  onApplicationShutdown(): void {
    this.#subscription.unsubscribe();
  }
}
