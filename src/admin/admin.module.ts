import { Module } from '@nestjs/common';
import { TurnsModule } from '../turns/turns.module.js';
import { AdminService } from './admin.service.js';
import { AuditController } from './audit.controller.js';
import { KeysController } from './keys.controller.js';
import { NodesController } from './nodes.controller.js';
import { NodesService } from './nodes.service.js';
import { PoliciesController } from './policies.controller.js';
import { TenantsController } from './tenants.controller.js';
import { WebhookAdminService } from './webhook-admin.service.js';
import { WebhooksController } from './webhooks.controller.js';

/**
 * The admin API, `/api/admin/*`: tenants, keys, their policies, webhooks, the audit log, and what runs where. Its errors have the
 * envelope of the Messages API.
 */
@Module({
  imports: [TurnsModule],
  controllers: [
    TenantsController,
    KeysController,
    PoliciesController,
    WebhooksController,
    AuditController,
    NodesController,
  ],
  providers: [AdminService, WebhookAdminService, NodesService],
})
export class AdminModule {}
