import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Cluster } from '../../cluster/cluster.module.js';
import type { ClusterNode } from '../../cluster/cluster-node.js';
import { AppConfig } from '../../config/app-config.js';
import { HarnessGateway } from '../../harness/harness.gateway.js';
import { SparePool } from '../../harness/spares/spare-pool.js';
import { EventLog } from '../../storage/event-log/event-log.js';
import { ThreadStore } from '../../storage/stores/thread.store.js';
import { TurnStore } from '../../storage/stores/turn.store.js';
import { KeyLock } from '../key-lock.js';
import { TurnCallers } from '../matching/turn-callers.js';
import { TurnRunner } from '../running/turn.runner.js';
import { ClusterLog } from './cluster-log.js';
import { DatabaseKeyLock } from './database-key-lock.js';
import { LocalThreadHost } from './local-thread-host.js';
import { OwnLoad } from './own-load.js';
import { answerPeers } from './peer-handlers.js';
import { answerCallers } from './other-callers.js';
import { Placement } from './placement.js';
import { PostgresThreadSignals } from './postgres-thread-signals.js';
import { Recovery } from './recovery.js';
import { ThreadSignals } from './thread-signals.js';
import { answerWorkspacePeers } from '../workspace/cluster-workspace-files.js';
import { LocalWorkspaceFiles } from '../workspace/local-workspace-files.js';

/** Begins and ends the hosting of threads: recovers turns at the start, joins and leaves the other servers, drains at the end. */
@Injectable()
export class HostingLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  private readonly logger = new Logger('Hosting');

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    @Inject(Cluster) private readonly cluster: Cluster,
    private readonly runner: TurnRunner,
    private readonly recovery: Recovery,
    private readonly placement: Placement,
    private readonly local: LocalThreadHost,
    private readonly log: EventLog,
    private readonly threads: ThreadStore,
    private readonly turns: TurnStore,
    private readonly gateway: HarnessGateway,
    private readonly spares: SparePool,
    private readonly load: OwnLoad,
    private readonly lock: KeyLock,
    private readonly signals: ThreadSignals,
    private readonly callers: TurnCallers,
    private readonly workspaces: LocalWorkspaceFiles,
  ) {
    // Before the jobs begin, with the bootstrap.
    if (this.cluster !== undefined && config.role !== 'gateway') this.placement.begin();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.#removeLeftoverSpares();
    if (this.cluster === undefined) await this.recovery.takeAll();
    else await this.#join(this.cluster);
    if (this.config.role !== 'gateway') this.spares.begin(() => this.runner.hasTime);
  }

  async beforeApplicationShutdown(): Promise<void> {
    const drained = this.runner.shutDown();
    // The others are to send nothing more.
    await this.cluster?.beat();
    await drained;
    if (this.cluster === undefined) return;
    if (this.config.threadStore !== 'local') await this.#release(this.cluster.self.id);
    await this.cluster.leave();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.cluster?.server.close();
    this.cluster?.client.close();
    if (this.signals instanceof PostgresThreadSignals) await this.signals.close();
    if (this.lock instanceof DatabaseKeyLock) await this.lock.close();
  }

  /** Folders of spares that an earlier run of this server did not remove, and that no thread has. */
  async #removeLeftoverSpares(): Promise<void> {
    for (const id of await this.spares.leftovers()) {
      if ((await this.threads.byId(id)) === undefined) await this.gateway.discardFiles(id);
      await this.spares.forget(id);
    }
  }

  async #join(cluster: ClusterNode): Promise<void> {
    const isWorker = this.config.role !== 'gateway';
    answerPeers(cluster.server, {
      local: this.local,
      recovery: this.recovery,
      log: this.log,
      threads: this.threads,
    });
    answerCallers(cluster.server, this.callers);
    answerWorkspacePeers(cluster.server, this.workspaces, this.threads);
    this.log.readRemotely(new ClusterLog(cluster, this.turns));
    if (this.signals instanceof PostgresThreadSignals) this.signals.listen();
    await cluster.join({
      readLoad: () => this.load.read(),
      isDraining: () => this.load.isDraining,
      stopEverything: () => this.runner.abandonAll(),
      expectLife: (seconds) => this.gateway.expectLife(seconds),
      settle: () => (isWorker ? this.#settleFolders(cluster.self.id) : Promise.resolve()),
      recover: () => (isWorker ? this.recovery.takeOwn() : Promise.resolve()),
    });
  }

  /**
   * Takes the threads whose files are here and that no server has, from before there were several; and removes files of threads that other
   * servers have by now, while this one was away: its agents would resume an old conversation in them.
   */
  async #settleFolders(self: string): Promise<void> {
    const ids = await this.gateway.threadIds();
    await this.threads.adopt(ids, self);
    // A folder that all servers share has the files of all threads.
    if (this.config.threadStore === 'shared') return;
    for (const id of await this.threads.heldElsewhere(ids, self)) {
      this.logger.log({ threadId: id }, 'removing the files of a thread that another server has by now');
      await this.gateway.discardFiles(id);
    }
  }

  /** Gives the threads of a server that stops to the others at once: they get the files, too. */
  async #release(self: string): Promise<void> {
    try {
      await this.threads.releaseAll(self);
      await this.placement.placeAll();
    } catch (error) {
      this.logger.warn(
        { err: error },
        'could not give the threads of this server away; the others take them after a while',
      );
    }
  }
}
