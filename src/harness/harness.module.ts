import { Logger, Module } from '@nestjs/common';
import { prepareBundleFile } from '../broker/ca-bundle.js';
import { Broker } from '../broker/broker.service.js';
import { ModelProviders } from '../broker/model-provider.js';
import { AppConfig } from '../config/app-config.js';
import type { SandboxMount, SandboxOptions } from '../sandbox/sandbox.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { Harnesses } from './definition.js';
import { HarnessGateway } from './harness.gateway.js';
import { HarnessRegistry } from './harness.registry.js';
import { HARNESSES } from './harnesses.js';
import { assertUsableTemplates } from './assert-templates.js';
import { ModelCatalog } from './models/model-catalog.js';

/** Lets agents see the certificate authority that the broker has for hosts with a credential. */
function mountAuthorities({ toolCredentials, dataDirectory }: AppConfig): readonly SandboxMount[] {
  if (toolCredentials.length === 0) return [];
  const file = prepareBundleFile(dataDirectory);
  return [{ source: file, target: file, isWritable: false }];
}

/** Provides the harnesses, their gateway and their models. */
@Module({
  imports: [
    SandboxModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig): SandboxOptions => {
        const { dataDirectory, workspaceTemplate, homeTemplate } = config;
        const options = {
          kind: config.sandboxKind,
          dataDirectory,
          workspaceTemplate,
          homeTemplate,
          mounts: [...config.sandboxMounts, ...mountAuthorities(config)],
          userIds: config.sandboxUserIds,
          limits: {
            memoryBytes: config.threadMemoryBytes,
            processes: config.threadProcesses,
            openFiles: config.threadOpenFiles,
          },
        };
        assertUsableTemplates(options, new Logger('Templates'));
        return options;
      },
    }),
  ],
  providers: [
    { provide: Harnesses, useValue: HARNESSES },
    {
      provide: ModelProviders,
      inject: [Harnesses],
      useFactory: (harnesses: Harnesses): ModelProviders => harnesses.flatMap(({ provider }) => provider ?? []),
    },
    Broker,
    HarnessRegistry,
    HarnessGateway,
    ModelCatalog,
  ],
  exports: [HarnessGateway, HarnessRegistry, ModelCatalog],
})
export class HarnessModule {}
