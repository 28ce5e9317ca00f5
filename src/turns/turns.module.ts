import { type FactoryProvider, Module } from '@nestjs/common';
import { Cluster } from '../cluster/cluster.module.js';
import { Jobs } from '../cluster/jobs.js';
import { ThisNode } from '../cluster/this-node.js';
import { AppConfig } from '../config/app-config.js';
import { HarnessModule } from '../harness/harness.module.js';
import { Database } from '../storage/database/database.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { toLockName } from '../storage/stores/node.store.js';
import { ThreadStore } from '../storage/stores/thread.store.js';
import { TurnStore } from '../storage/stores/turn.store.js';
import { EarlyStarts } from './early-starts.js';
import { FilestoreModule } from '../filestore/filestore.module.js';
import { TurnFiles } from './files/turn-files.js';
import { EventPruner } from './cleanup/event-pruner.js';
import { HistoryMatcher } from './history/history-matcher.js';
import { MeanwhileReader } from './history/meanwhile-reader.js';
import { HistoryService } from './history/history.service.js';
import { ThreadForker } from './history/thread-forker.js';
import { KeyLock } from './key-lock.js';
import { ConversationFinder } from './matching/conversation-finder.js';
import { ClusterThreadHost } from './hosting/cluster-thread-host.js';
import { DatabaseKeyLock } from './hosting/database-key-lock.js';
import { HostingLifecycle } from './hosting/hosting-lifecycle.js';
import { LocalThreadHost } from './hosting/local-thread-host.js';
import { OtherCallers } from './hosting/other-callers.js';
import { OwnLoad } from './hosting/own-load.js';
import { Placement } from './hosting/placement.js';
import { PostgresThreadSignals } from './hosting/postgres-thread-signals.js';
import { Recovery } from './hosting/recovery.js';
import { ThreadHost } from './hosting/thread-host.js';
import { ThreadSignals } from './hosting/thread-signals.js';
import { StoredConversation } from './memory/stored-conversation.js';
import { MessageThreads } from './matching/message-threads.js';
import { OpeningFactsReader } from './matching/opening-facts.js';
import { PolicyAdmission } from './matching/policy-admission.js';
import { TurnCallers } from './matching/turn-callers.js';
import { SideThreadRemover } from './cleanup/side-thread-remover.js';
import { ThreadRetention } from './cleanup/thread-retention.js';
import { ThreadControl } from './thread-control.js';
import { ThreadMemory } from './memory/thread-memory.js';
import { TurnMcpServers } from './running/input/turn-mcp-servers.js';
import { TurnRunner } from './running/turn.runner.js';
import { RequestSteering } from './steering/request-steering.js';
import { TurnService } from './turn.service.js';
import { ClusterWorkspaceFiles } from './workspace/cluster-workspace-files.js';
import { LocalWorkspaceFiles } from './workspace/local-workspace-files.js';
import { WorkspaceFiles } from './workspace/workspace-files.js';

const keyLock: FactoryProvider<KeyLock> = {
  provide: KeyLock,
  inject: [AppConfig, ThisNode, Database],
  useFactory: ({ databaseUrl }: AppConfig, node: ThisNode) =>
    databaseUrl === undefined ? new KeyLock() : new DatabaseKeyLock(databaseUrl, toLockName(node.id)),
};

const threadSignals: FactoryProvider<ThreadSignals> = {
  provide: ThreadSignals,
  inject: [AppConfig, Database, ThisNode],
  useFactory: ({ databaseUrl }: AppConfig, database: Database, { id }: ThisNode) =>
    databaseUrl === undefined ? new ThreadSignals() : new PostgresThreadSignals(databaseUrl, database, id),
};

const threadHost: FactoryProvider<ThreadHost> = {
  provide: ThreadHost,
  inject: [AppConfig, Cluster, LocalThreadHost, TurnRunner, ThreadStore, TurnStore, Jobs, ThreadSignals, StoreClock],
  useFactory: (
    { threadStore }: AppConfig,
    cluster: Cluster,
    local: LocalThreadHost,
    runner: TurnRunner,
    threads: ThreadStore,
    turns: TurnStore,
    jobs: Jobs,
    signals: ThreadSignals,
    clock: StoreClock,
  ) =>
    cluster === undefined
      ? local
      : new ClusterThreadHost({
          cluster,
          local,
          runner,
          threads,
          turns,
          jobs,
          signals,
          clock,
          filesMove: threadStore !== 'local',
        }),
};

const workspaceFiles: FactoryProvider<WorkspaceFiles> = {
  provide: WorkspaceFiles,
  inject: [Cluster, LocalWorkspaceFiles, ThreadHost],
  useFactory: (cluster: Cluster, local: LocalWorkspaceFiles, host: ThreadHost) =>
    cluster === undefined ? local : new ClusterWorkspaceFiles({ cluster, local, host }),
};

/** Opens, runs and recovers turns. */
@Module({
  imports: [HarnessModule, FilestoreModule],
  providers: [
    EarlyStarts,
    EventPruner,
    HistoryMatcher,
    MeanwhileReader,
    HistoryService,
    keyLock,
    threadSignals,
    threadHost,
    LocalThreadHost,
    LocalWorkspaceFiles,
    workspaceFiles,
    HostingLifecycle,
    Placement,
    Recovery,
    StoredConversation,
    ConversationFinder,
    MessageThreads,
    OpeningFactsReader,
    OtherCallers,
    OwnLoad,
    PolicyAdmission,
    TurnCallers,
    TurnFiles,
    TurnMcpServers,
    SideThreadRemover,
    ThreadRetention,
    ThreadControl,
    ThreadForker,
    ThreadMemory,
    TurnService,
    RequestSteering,
    TurnRunner,
  ],
  exports: [
    EarlyStarts,
    MessageThreads,
    OwnLoad,
    PolicyAdmission,
    StoredConversation,
    ThreadControl,
    ThreadHost,
    ThreadSignals,
    TurnService,
    TurnRunner,
    WorkspaceFiles,
  ],
})
export class TurnsModule {}
