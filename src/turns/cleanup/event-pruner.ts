import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { EventLog } from '../../storage/event-log/event-log.js';

/** How often old events are deleted, besides at startup. */
const PRUNE_INTERVAL_MS = 3_600_000;

/** Deletes the events of turns that ended before the retention period. Their messages stay. */
@Injectable()
export class EventPruner implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(EventPruner.name);
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly log: EventLog,
    @Inject(AppConfig) private readonly config: AppConfig,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    this.#timer = setInterval(() => void this.prune(), PRUNE_INTERVAL_MS).unref();
    await this.prune();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  private async prune(): Promise<void> {
    try {
      await this.log.prune(Date.now() - this.config.eventRetentionMs);
    } catch (error) {
      this.logger.error({ err: error }, 'failed to delete old events');
    }
  }
}
