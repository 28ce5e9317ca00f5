import { type DynamicModule, type FactoryProvider, Module, type ModuleMetadata } from '@nestjs/common';
import { LocalSandbox, LocalSandboxOptions } from './local.sandbox.js';
import { Sandbox } from './sandbox.js';

/** Where the sandbox's settings come from. */
export interface SandboxModuleOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider<LocalSandboxOptions>, 'inject' | 'useFactory'> {}

/** Provides the deployment's {@link Sandbox}; at shutdown it stops every process. */
@Module({})
export class SandboxModule {
  /** The module with settings that are made from other providers. */
  static forRootAsync({ imports = [], inject = [], useFactory }: SandboxModuleOptions): DynamicModule {
    return {
      module: SandboxModule,
      imports,
      providers: [
        { provide: LocalSandboxOptions, inject, useFactory },
        { provide: Sandbox, useClass: LocalSandbox },
      ],
      exports: [Sandbox],
    };
  }
}
