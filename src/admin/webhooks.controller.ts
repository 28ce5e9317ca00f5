import { Controller, Delete, Get, Param, Put, Req, UseGuards } from '@nestjs/common';
import type { Request } from 'express';
import { readActor } from '../auth/actor.js';
import { AdminGuard } from '../auth/admin.guard.js';
import { CurrentPrincipal, type Principal } from '../auth/principal.js';
import { readJsonBody } from '../http/read-body.js';
import type { NewWebhookView, RemovedWebhookView, WebhookView } from './admin-views.js';
import { parseSetWebhook } from './dto/set-webhook.dto.js';
import { WebhookAdminService } from './webhook-admin.service.js';
import { GetWebhookDocs, RemoveWebhookDocs, SetWebhookDocs } from './webhooks.docs.js';

/** Where tenants get their webhooks, for admin keys. */
@Controller('api/admin/tenants/:name/webhook')
@UseGuards(AdminGuard)
export class WebhooksController {
  constructor(private readonly webhooks: WebhookAdminService) {}

  @Put()
  @SetWebhookDocs()
  async set(
    @CurrentPrincipal() principal: Principal,
    @Param('name') tenant: string,
    @Req() request: Request,
  ): Promise<NewWebhookView> {
    const { url } = parseSetWebhook(await readJsonBody(request));
    return this.webhooks.set(tenant, url, readActor(principal));
  }

  @Get()
  @GetWebhookDocs()
  get(@Param('name') tenant: string): Promise<WebhookView> {
    return this.webhooks.get(tenant);
  }

  @Delete()
  @RemoveWebhookDocs()
  remove(@CurrentPrincipal() principal: Principal, @Param('name') tenant: string): Promise<RemovedWebhookView> {
    return this.webhooks.remove(tenant, readActor(principal));
  }
}
