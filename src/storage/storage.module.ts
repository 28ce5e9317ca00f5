import {
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type ModuleMetadata,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { Database } from './database/database.js';
import { StoreClock } from './database/store-clock.js';
import { EventLog } from './event-log/event-log.js';
import { DiskWatch } from './disk-watch.js';
import { StorageOptions } from './storage-options.js';
import { AuditStore } from './stores/audit.store.js';
import { CallerToolStore } from './stores/caller-tool.store.js';
import { SessionMessageStore } from './stores/session-message.store.js';
import { BranchStore } from './stores/branch.store.js';
import { FileStore } from './stores/file.store.js';
import { FileChunkStore } from './stores/file-chunk.store.js';
import { KeyStore } from './stores/key.store.js';
import { NodeStore } from './stores/node.store.js';
import { PolicyStore } from './stores/policy.store.js';
import { RequestCountStore } from './stores/request-count.store.js';
import { SnapshotStore } from './stores/snapshot.store.js';
import { TenantStore } from './stores/tenant.store.js';
import { ThreadStore } from './stores/thread.store.js';
import { TurnStore } from './stores/turn.store.js';
import { WebhookStore } from './stores/webhook.store.js';
import { UsageStore } from './stores/usage.store.js';

/** How to build the options from other providers, for example from the configuration. */
export type StorageModuleAsyncOptions = Pick<ModuleMetadata, 'imports'> &
  Pick<FactoryProvider<StorageOptions>, 'inject' | 'useFactory'>;

const database: FactoryProvider<Database> = {
  provide: Database,
  inject: [StorageOptions],
  // The application waits for the factory, and does not start when it rejects.
  useFactory: (options: StorageOptions) => {
    const logger = new Logger(Database.name);
    return Database.open(options, (error) => logger.error(`lost a connection to the store: ${error.message}`));
  },
};

const storeClock: FactoryProvider<StoreClock> = {
  provide: StoreClock,
  inject: [Database],
  useFactory: ({ clock }: Database) => clock,
};

/** The store: opened and migrated before the application starts, flushed and closed after all other modules have stopped. */
@Module({})
export class StorageModule implements OnApplicationShutdown {
  constructor(
    @Inject(Database) private readonly database: Database,
    @Inject(EventLog) private readonly eventLog: EventLog,
  ) {}

  static forRoot(options: StorageOptions): DynamicModule {
    return StorageModule.forRootAsync({ useFactory: () => options });
  }

  static forRootAsync(options: StorageModuleAsyncOptions): DynamicModule {
    return {
      module: StorageModule,
      global: true,
      imports: options.imports ?? [],
      providers: [
        { provide: StorageOptions, useFactory: options.useFactory, inject: options.inject ?? [] },
        database,
        BranchStore,
        SnapshotStore,
        ThreadStore,
        NodeStore,
        TurnStore,
        SessionMessageStore,
        CallerToolStore,
        TenantStore,
        KeyStore,
        AuditStore,
        WebhookStore,
        UsageStore,
        PolicyStore,
        RequestCountStore,
        FileStore,
        FileChunkStore,
        EventLog,
        DiskWatch,
        storeClock,
      ],
      exports: [
        Database,
        BranchStore,
        SnapshotStore,
        ThreadStore,
        NodeStore,
        TurnStore,
        SessionMessageStore,
        CallerToolStore,
        TenantStore,
        KeyStore,
        AuditStore,
        WebhookStore,
        UsageStore,
        PolicyStore,
        RequestCountStore,
        FileStore,
        FileChunkStore,
        EventLog,
        DiskWatch,
        StoreClock,
      ],
    };
  }

  async onApplicationShutdown(): Promise<void> {
    await this.eventLog.close();
    await this.database.close();
  }
}
