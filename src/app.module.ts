import { type DynamicModule, Module } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import { AuthModule } from './auth/auth.module.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigModule } from './config/config.module.js';
import { MessagesModule } from './messages/messages.module.js';
import { buildLoggerOptions } from './ops/logger-options.js';
import { OpsModule } from './ops/ops.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { StorageModule } from './storage/storage.module.js';

/** The whole server. */
@Module({})
export class AppModule {
  static forRoot(config: AppConfig): DynamicModule {
    return {
      module: AppModule,
      imports: [
        LoggerModule.forRoot(buildLoggerOptions(config.logLevel)),
        ConfigModule.forRoot(config),
        StorageModule.forRoot({
          dataDirectory: config.dataDirectory,
          databaseUrl: config.databaseUrl,
          flushMs: config.eventFlushMs,
          minFreeBytes: config.minFreeDiskBytes,
        }),
        AuthModule,
        MessagesModule,
        SessionsModule,
        OpsModule,
      ],
    };
  }
}
