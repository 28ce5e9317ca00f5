import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { sql, type Transaction } from 'kysely';
import { Database } from '../database/database.js';
import { limitOf, PreparedQuery } from '../database/prepared-query.js';
import type { Tables, WebhookDeliveryTable, WebhookEndpointTable } from '../database/tables.js';
import { recordAudit } from './audit.store.js';
import { lockTenant } from './tenant-lock.js';
import { parseEnum } from './turn.js';
import { createWebhookId, type WebhookEvent } from './webhook-event.js';

/** Whose endpoint gets a webhook: the one of `CHIRON_WEBHOOK_URL`, or the tenant's own. */
export type WebhookAudience = 'deployment' | 'tenant';

const AUDIENCES: readonly WebhookAudience[] = ['deployment', 'tenant'];

/** Standard Webhooks asks for 24 to 64 bytes. */
const SECRET_BYTES = 32;

/** Where a tenant gets its webhooks. */
export interface WebhookEndpoint {
  readonly tenant: string;
  readonly url: string;
  /** `whsec_…`, which signs what is sent. */
  readonly secret: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
}

/** A webhook that is to be sent now. */
export interface WebhookDelivery {
  readonly id: string;
  readonly tenant: string;
  readonly audience: WebhookAudience;
  /** The body. */
  readonly payload: string;
  /** The number of this attempt, from 1. */
  readonly attempt: number;
}

const ANY_DUE = new PreparedQuery((kysely, { now }: { readonly now: number }) =>
  kysely.selectFrom('webhook_deliveries').select('id').where('next_attempt_at', '<=', now).limit(limitOf(1)),
);

/** The endpoints of tenants, and the webhooks that are not delivered yet. Every method rejects when the store cannot be reached. */
@Injectable()
export class WebhookStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Sets the endpoint of a tenant, with a new secret. `undefined` when there is no such tenant. */
  setEndpoint(tenant: string, url: string, actor: string): Promise<WebhookEndpoint | undefined> {
    const at = this.database.clock.now();
    const row: WebhookEndpointTable = { tenant, url, secret: createWebhookSecret(), created_at: at };
    return this.database.transaction(async (transaction) => {
      if ((await lockTenant(transaction, tenant)) === undefined) return undefined;
      await transaction
        .insertInto('webhook_endpoints')
        .values(row)
        .onConflict((conflict) => conflict.column('tenant').doUpdateSet(row))
        .execute();
      // Paths and queries of such addresses can be secrets.
      const details = { host: new URL(url).host };
      await recordAudit(transaction, { at, actor, action: 'webhook.set', tenant, keyId: undefined, details });
      return toEndpoint(row);
    });
  }

  /** The endpoint of a tenant; `undefined` for none. */
  async findEndpoint(tenant: string): Promise<WebhookEndpoint | undefined> {
    const query = this.database.kysely.selectFrom('webhook_endpoints').selectAll().where('tenant', '=', tenant);
    const row = await query.executeTakeFirst();
    return row === undefined ? undefined : toEndpoint(row);
  }

  /** Removes the endpoint of a tenant, and what was to be sent there. False when it has none. */
  removeEndpoint(tenant: string, actor: string): Promise<boolean> {
    const at = this.database.clock.now();
    return this.database.transaction(async (transaction) => {
      if (!(await deleteEndpoint(transaction, tenant))) return false;
      const entry = { at, actor, action: 'webhook.remove', tenant, keyId: undefined, details: {} } as const;
      await recordAudit(transaction, entry);
      return true;
    });
  }

  /**
   * Claims webhooks whose time has come, oldest first: no other server sends them for `leaseMs`. A server that dies meanwhile leaves them to the
   * next claim.
   */
  async claim(options: {
    readonly limit: number;
    readonly leaseMs: number;
    /** Those whose endpoints get no more for now. */
    readonly exceptTenants: readonly string[];
  }): Promise<readonly WebhookDelivery[]> {
    const now = this.database.clock.now();
    // It is asked after every turn, and there is seldom one.
    if ((await ANY_DUE.run(this.database.kysely, { now })).length === 0) return [];
    return this.database.transaction(async (transaction) => {
      let due = transaction.selectFrom('webhook_deliveries').select('id').where('next_attempt_at', '<=', now);
      if (options.exceptTenants.length > 0) due = due.where('tenant', 'not in', options.exceptTenants);
      due = due.orderBy('next_attempt_at').orderBy('id').limit(options.limit);
      if (this.database.kind === 'postgres') due = due.forUpdate().skipLocked();
      const rows = await transaction
        .updateTable('webhook_deliveries')
        .set((set) => ({ attempts: set('attempts', '+', 1), next_attempt_at: now + options.leaseMs }))
        .where('id', 'in', due)
        .returningAll()
        .execute();
      return rows.map(toDelivery);
    });
  }

  /** Has a claimed webhook tried again after `delayMs`; an attempt that `wasTried` counts. */
  async retry(
    id: string,
    { delayMs, wasTried }: { readonly delayMs: number; readonly wasTried: boolean },
  ): Promise<void> {
    await this.database.kysely
      .updateTable('webhook_deliveries')
      .set({
        next_attempt_at: this.database.clock.now() + delayMs,
        ...(wasTried ? {} : { attempts: sql<number>`attempts - 1` }),
      })
      .where('id', '=', id)
      .execute();
  }

  /** Forgets a webhook that was delivered or is given up. */
  async remove(id: string): Promise<void> {
    await this.database.kysely.deleteFrom('webhook_deliveries').where('id', '=', id).execute();
  }
}

/** Makes a secret in the form of Standard Webhooks. */
export function createWebhookSecret(): string {
  return `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
}

/** Stores webhooks in the transaction of what they are about: each is sent at least once. */
export async function queueWebhooks(
  transaction: Transaction<Tables>,
  event: WebhookEvent,
  audiences: readonly WebhookAudience[],
  now: number,
): Promise<void> {
  const payload = JSON.stringify(event);
  const rows: readonly WebhookDeliveryTable[] = audiences.map((endpoint) => ({
    id: createWebhookId(),
    tenant: event.data.tenant,
    endpoint,
    payload,
    attempts: 0,
    next_attempt_at: now,
    created_at: now,
  }));
  if (rows.length > 0) await transaction.insertInto('webhook_deliveries').values(rows).execute();
}

/** Removes the endpoint of a tenant, and what was to be sent there. False when it has none. */
export async function deleteEndpoint(transaction: Transaction<Tables>, tenant: string): Promise<boolean> {
  await transaction
    .deleteFrom('webhook_deliveries')
    .where('tenant', '=', tenant)
    .where('endpoint', '=', 'tenant')
    .execute();
  const { numDeletedRows } = await transaction
    .deleteFrom('webhook_endpoints')
    .where('tenant', '=', tenant)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

function toEndpoint({ tenant, url, secret, created_at }: WebhookEndpointTable): WebhookEndpoint {
  return { tenant, url, secret, createdAt: created_at };
}

function toDelivery({ id, tenant, endpoint, payload, attempts }: WebhookDeliveryTable): WebhookDelivery {
  return { id, tenant, audience: parseEnum(AUDIENCES, endpoint, 'webhook endpoint'), payload, attempt: attempts };
}
