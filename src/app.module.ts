import { type DynamicModule, type MiddlewareConsumer, Module, type NestModule, RequestMethod } from '@nestjs/common';
import { LoggerModule, PinoLogger } from 'nestjs-pino';
import { AdminModule } from './admin/admin.module.js';
import { ClusterModule } from './cluster/cluster.module.js';
import { ChatModule } from './chat/chat.module.js';
import { AuthModule } from './auth/auth.module.js';
import type { AppConfig } from './config/app-config.js';
import { ConfigModule } from './config/config.module.js';
import { ConsoleModule } from './console/console.module.js';
import { MessagesModule } from './messages/messages.module.js';
import { buildLoggerOptions } from './ops/logger-options.js';
import { requestLog } from './ops/request-log.js';
import { OpsModule } from './ops/ops.module.js';
import { ModelsModule } from './catalog/models.module.js';
import { ResponsesModule } from './responses/responses.module.js';
import { SessionsModule } from './sessions/sessions.module.js';
import { TurnsModule } from './turns/turns.module.js';
import { UploadsModule } from './uploads/uploads.module.js';
import { StorageModule } from './storage/storage.module.js';
import { UsageModule } from './usage/usage.module.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** The whole server. */
@Module({})
export class AppModule implements NestModule {
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
          hasWebhook: config.webhookUrl !== undefined,
          // Before the others give up a server that is suspended in the middle of a transaction.
          transactionIdleMs: config.nodeTimeoutMs / 2,
        }),
        ClusterModule,
        AuthModule,
        // The doors belong to gateways.
        ...(config.role === 'worker'
          ? [TurnsModule]
          : [
              MessagesModule,
              ModelsModule,
              ResponsesModule,
              ChatModule,
              UploadsModule,
              SessionsModule,
              AdminModule,
              UsageModule,
              ConsoleModule,
            ]),
        WebhooksModule,
        OpsModule,
      ],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(requestLog(PinoLogger.root)).forRoutes({ path: '{/*splat}', method: RequestMethod.ALL });
  }
}
