import { Module } from '@nestjs/common';
import { AdminService } from './admin.service.js';
import { AuditController } from './audit.controller.js';
import { KeysController } from './keys.controller.js';
import { PoliciesController } from './policies.controller.js';
import { TenantsController } from './tenants.controller.js';
import { WebhookAdminService } from './webhook-admin.service.js';
import { WebhooksController } from './webhooks.controller.js';

/**
 * The admin API, `/api/admin/*`: tenants, keys, their policies, webhooks and the audit log. Its errors have the envelope of the Messages
 * API.
 */
@Module({
  controllers: [TenantsController, KeysController, PoliciesController, WebhooksController, AuditController],
  providers: [AdminService, WebhookAdminService],
})
export class AdminModule {}
