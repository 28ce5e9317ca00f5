import { Inject, Injectable } from '@nestjs/common';
import { AppConfig } from '../../config/app-config.js';
import { SparePool } from '../../harness/spares/spare-pool.js';
import { DiskWatch } from '../../storage/disk-watch.js';
import type { NodeLoad } from '../../storage/stores/node.store.js';
import { TurnRunner } from '../running/turn.runner.js';

/** How busy this server is, for the others and for administrators. */
@Injectable()
export class OwnLoad {
  constructor(
    @Inject(AppConfig) private readonly config: Pick<AppConfig, 'maxConcurrentTurns'>,
    private readonly runner: TurnRunner,
    private readonly disk: DiskWatch,
    private readonly spares: SparePool,
  ) {}

  /** Whether it is stopping: it takes no new turns. */
  get isDraining(): boolean {
    return this.runner.draining;
  }

  read(): NodeLoad {
    const { running, pending } = this.runner.counts;
    return {
      running,
      pending,
      slots: this.config.maxConcurrentTurns,
      isDiskLow: this.disk.isLow,
      spares: this.spares.count,
    };
  }
}
