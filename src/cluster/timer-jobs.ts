import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Jobs, type RepeatedJob } from './jobs.js';

/** The jobs of a lone server: timers. */
@Injectable()
export class TimerJobs extends Jobs implements OnApplicationShutdown {
  readonly #timers: NodeJS.Timeout[] = [];

  override repeat({ everyMs, run }: RepeatedJob): void {
    this.#timers.push(setInterval(() => void run(), everyMs).unref());
  }

  override addPlacements(): Promise<void> {
    return Promise.resolve();
  }

  override onPlacement(): void {
    // A lone server has all threads.
  }

  onApplicationShutdown(): void {
    this.#timers.forEach(clearInterval);
  }
}
