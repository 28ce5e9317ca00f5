import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Jobs } from '../../cluster/jobs.js';
import { AppConfig } from '../../config/app-config.js';
import { StoreClock } from '../../storage/database/store-clock.js';
import { EventLog } from '../../storage/event-log/event-log.js';

/** How often old events are deleted, besides at startup. */
const PRUNE_INTERVAL_MS = 3_600_000;

/** Deletes the events of turns that ended before the retention period. Their messages stay. */
@Injectable()
export class EventPruner implements OnApplicationBootstrap {
  private readonly logger = new Logger(EventPruner.name);

  constructor(
    private readonly log: EventLog,
    private readonly clock: StoreClock,
    private readonly jobs: Jobs,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {
    this.jobs.repeat({ name: 'prune_events', everyMs: PRUNE_INTERVAL_MS, isOwn: false, run: () => this.prune() });
  }

  onApplicationBootstrap(): Promise<void> {
    return this.prune();
  }

  private async prune(): Promise<void> {
    try {
      await this.log.prune(this.clock.now() - this.config.eventRetentionMs);
    } catch (error) {
      this.logger.error({ err: error }, 'failed to delete old events');
    }
  }
}
