import { Logger, Module } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import type { SandboxOptions } from '../sandbox/sandbox.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { Harnesses } from './definition.js';
import { HarnessGateway } from './harness.gateway.js';
import { HarnessRegistry } from './harness.registry.js';
import { HARNESSES } from './harnesses.js';
import { assertUsableTemplates } from './assert-templates.js';
import { ModelCatalog } from './models/model-catalog.js';

/** Provides the harnesses, their gateway and their models. */
@Module({
  imports: [
    SandboxModule.forRootAsync({
      inject: [AppConfig],
      useFactory: (config: AppConfig): SandboxOptions => {
        const { dataDirectory, workspaceTemplate, homeTemplate } = config;
        const limits = {
          memoryBytes: config.threadMemoryBytes,
          processes: config.threadProcesses,
          openFiles: config.threadOpenFiles,
        };
        const options = { dataDirectory, workspaceTemplate, homeTemplate, limits };
        assertUsableTemplates(options, new Logger('Templates'));
        return options;
      },
    }),
  ],
  providers: [{ provide: Harnesses, useValue: HARNESSES }, HarnessRegistry, HarnessGateway, ModelCatalog],
  exports: [HarnessGateway, HarnessRegistry, ModelCatalog],
})
export class HarnessModule {}
