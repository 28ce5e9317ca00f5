import {
  type DynamicModule,
  type FactoryProvider,
  Inject,
  Module,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { chooseSandbox, SANDBOX_KINDS, SandboxChoice, SANDBOXES } from './kinds.js';
import { Sandbox, SandboxOptions } from './sandbox.js';

/** Where the sandbox's settings come from. */
export interface SandboxModuleOptions
  extends Pick<ModuleMetadata, 'imports'>, Pick<FactoryProvider<SandboxOptions>, 'inject' | 'useFactory'> {}

/** Provides the deployment's {@link Sandbox}, of the kind that its settings name; at shutdown it stops every process. */
@Module({})
export class SandboxModule implements OnApplicationShutdown {
  constructor(@Inject(Sandbox) private readonly sandbox: Sandbox) {}

  /** The module with settings that are made from other providers. */
  static forRootAsync({ imports = [], inject = [], useFactory }: SandboxModuleOptions): DynamicModule {
    return {
      module: SandboxModule,
      imports,
      providers: [
        { provide: SandboxOptions, inject, useFactory },
        { provide: SANDBOX_KINDS, useValue: SANDBOXES },
        { provide: SandboxChoice, inject: [SandboxOptions, SANDBOX_KINDS], useFactory: chooseSandbox },
        { provide: Sandbox, inject: [SandboxChoice], useFactory: ({ sandbox }: SandboxChoice) => sandbox },
      ],
      exports: [Sandbox, SandboxChoice],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return this.sandbox.close();
  }
}
