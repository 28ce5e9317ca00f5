import { Logger, Module } from '@nestjs/common';
import { AppConfig } from '../config/app-config.js';
import type { LocalSandboxOptions } from '../sandbox/local.sandbox.js';
import { SandboxModule } from '../sandbox/sandbox.module.js';
import { ClaudeCodeHarness } from './claude-code/claude-code.harness.js';
import { ClaudeCodeOptions } from './claude-code/claude-code.options.js';
import { CodexHarness } from './codex/codex.harness.js';
import { CodexOptions } from './codex/codex.options.js';
import { DemoHarness } from './demo/demo.harness.js';
import { type Harness, HARNESSES } from './harness.js';
import { HarnessGateway } from './harness.gateway.js';
import { HarnessRegistry } from './harness.registry.js';
import { refuseBadTemplates } from './refuse-templates.js';
import { ModelCatalog } from './models/model-catalog.js';

/** The agent programs. The order of `HARNESSES` is the one in which `auto` prefers them. */
@Module({
  imports: [
    SandboxModule.forRootAsync({
      inject: [AppConfig],
      useFactory: ({ dataDirectory, workspaceTemplate, homeTemplate }: AppConfig): LocalSandboxOptions => {
        const options = { dataDirectory, workspaceTemplate, homeTemplate };
        refuseBadTemplates(options, new Logger('Templates'));
        return options;
      },
    }),
  ],
  providers: [
    {
      provide: ClaudeCodeOptions,
      inject: [AppConfig],
      useFactory: (config: AppConfig): ClaudeCodeOptions => ({ command: config.programs['claude-code'] ?? 'claude' }),
    },
    {
      provide: CodexOptions,
      inject: [AppConfig],
      useFactory: (config: AppConfig): CodexOptions => ({ command: config.programs['codex'] ?? 'codex' }),
    },
    ClaudeCodeHarness,
    CodexHarness,
    DemoHarness,
    {
      provide: HARNESSES,
      inject: [ClaudeCodeHarness, CodexHarness, DemoHarness],
      useFactory: (...harnesses: readonly Harness[]) => harnesses,
    },
    HarnessRegistry,
    HarnessGateway,
    ModelCatalog,
  ],
  exports: [HarnessGateway, HarnessRegistry, ModelCatalog],
})
export class HarnessModule {}
