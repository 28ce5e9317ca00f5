import { Injectable } from '@nestjs/common';
import { quoteForCaller, ServiceError } from '../domain/service-error.js';
import { WebhookStore } from '../storage/stores/webhook.store.js';
import {
  type NewWebhookView,
  type RemovedWebhookView,
  toNewWebhookView,
  toWebhookView,
  type WebhookView,
} from './admin-views.js';

/** What administrators do with the webhooks of tenants. Every method rejects when the store cannot be reached. */
@Injectable()
export class WebhookAdminService {
  constructor(private readonly webhooks: WebhookStore) {}

  /** Sets where a tenant gets its webhooks. The secret that signs them is in the answer, and in no other. @throws ServiceError (`not_found`) */
  async set(tenant: string, url: string, actor: string): Promise<NewWebhookView> {
    const endpoint = await this.webhooks.setEndpoint(tenant, url, actor);
    if (endpoint === undefined) {
      throw new ServiceError('not_found', `There is no tenant ${quoteForCaller(tenant)}.`);
    }
    return toNewWebhookView(endpoint);
  }

  /** Where a tenant gets its webhooks. @throws ServiceError (`not_found`) when it gets none. */
  async get(tenant: string): Promise<WebhookView> {
    const endpoint = await this.webhooks.findEndpoint(tenant);
    if (endpoint === undefined) throw noWebhook(tenant);
    return toWebhookView(endpoint);
  }

  /** Sends a tenant no more webhooks. @throws ServiceError (`not_found`) when it gets none. */
  async remove(tenant: string, actor: string): Promise<RemovedWebhookView> {
    if (!(await this.webhooks.removeEndpoint(tenant, actor))) throw noWebhook(tenant);
    return { tenant, removed: true };
  }
}

function noWebhook(tenant: string): ServiceError {
  return new ServiceError('not_found', `The tenant ${quoteForCaller(tenant)} has no webhook.`);
}
