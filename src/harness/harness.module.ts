import { Logger, Module } from '@nestjs/common';
import { Broker } from '../broker/broker.service.js';
import { ModelProviders } from '../broker/model-provider.js';
import { AppConfig } from '../config/app-config.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { type AgentFiles, provideSnapshotKeeper } from '../snapshots/create-keeper.js';
import { SnapshotKeeper } from '../snapshots/snapshot-keeper.js';
import { Harnesses } from './definition.js';
import { HarnessGateway } from './harness.gateway.js';
import { HarnessRegistry } from './harness.registry.js';
import { listHarnesses } from './harnesses.js';
import { assertUsableTemplates } from './assert-templates.js';
import { ModelCatalog } from './models/model-catalog.js';
import { toSandboxOptions } from './sandbox-options.js';
import { SessionOpener } from './session-opener.js';
import { SparePool } from './spares/spare-pool.js';
import { WarmProcesses } from './warm/warm-processes.js';

/** What snapshots of threads' files have to know of the agents. */
function toAgentFiles(harnesses: Harnesses): AgentFiles {
  return {
    leftOut: harnesses.flatMap(({ notInSnapshots = [] }) => notInSnapshots),
    recordFolders: harnesses.flatMap(({ home = {}, recordFolders = [] }) =>
      [...Object.values(home), ...recordFolders].map((name) => `home/${name}`),
    ),
  };
}

/** Provides the harnesses, their gateway and their models. */
@Module({
  imports: [
    SandboxModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig): SandboxOptions => {
        const options = toSandboxOptions(config);
        assertUsableTemplates(options, new Logger('Templates'));
        return options;
      },
    }),
  ],
  providers: [
    { provide: Harnesses, inject: [AppConfig], useFactory: listHarnesses },
    {
      provide: ModelProviders,
      inject: [Harnesses],
      useFactory: (harnesses: Harnesses): ModelProviders => harnesses.flatMap(({ provider }) => provider ?? []),
    },
    Broker,
    HarnessRegistry,
    provideSnapshotKeeper(Harnesses, toAgentFiles),
    SessionOpener,
    SparePool,
    WarmProcesses,
    HarnessGateway,
    ModelCatalog,
  ],
  exports: [HarnessGateway, HarnessRegistry, ModelCatalog, SnapshotKeeper, SparePool],
})
export class HarnessModule {}
