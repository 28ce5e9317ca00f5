import { Injectable, Logger } from '@nestjs/common';
import { Jobs } from '../../cluster/jobs.js';
import { ThisNode } from '../../cluster/this-node.js';
import { Database } from '../../storage/database/database.js';
import { DiskWatch } from '../../storage/disk-watch.js';
import { NodeStore } from '../../storage/stores/node.store.js';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { TurnRunner } from '../running/turn.runner.js';
import { Recovery } from './recovery.js';

/** How often threads are looked for whose placement was missed. */
const SWEEP_INTERVAL_MS = 60_000;

/** Takes threads with turns that no living server has. */
@Injectable()
export class Placement {
  private readonly logger = new Logger(Placement.name);

  constructor(
    private readonly node: ThisNode,
    private readonly nodes: NodeStore,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly runner: TurnRunner,
    private readonly disk: DiskWatch,
    private readonly recovery: Recovery,
    private readonly database: Database,
    private readonly jobs: Jobs,
  ) {}

  /** Takes threads from now on, as one of several servers. */
  begin(): void {
    this.jobs.onPlacement((threadId) => this.take(threadId));
    this.jobs.repeat({
      name: 'find_unplaced',
      everyMs: SWEEP_INTERVAL_MS,
      isOwn: false,
      run: () => this.placeAll(),
    });
  }

  /** Takes the thread, unless a server has it that is not given up. False if it has to be tried again: this one is full. */
  async take(threadId: string): Promise<boolean> {
    const holder = await this.threads.nodeOf(threadId);
    if (holder === undefined) return true;
    if (holder.node !== this.node.id) {
      // Read now: what this server knows of the others may be older than the job.
      if (holder.node !== undefined && (await this.nodes.isKept(holder.node))) return true;
      const takesNone = this.runner.draining || !this.node.isActive || this.disk.isLow || this.runner.isFull;
      if (takesNone || !(await this.threads.assign(threadId, holder.node, this.node.id))) return false;
      this.logger.log({ threadId, from: holder.node ?? null }, 'took a thread that no server had');
    }
    for (const turn of await this.turns.unfinished(threadId)) await this.recovery.take(turn.id);
    return true;
  }

  /** Has all threads placed that have turns and no server. Never rejects. */
  async placeAll(): Promise<void> {
    try {
      const ids = await this.threads.unplaced();
      if (ids.length === 0) return;
      await this.database.transaction((transaction) => this.jobs.addPlacements(transaction, ids));
    } catch (error) {
      this.logger.warn({ err: error }, 'failed to look for threads that no server has');
    }
  }
}
