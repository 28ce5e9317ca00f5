import { Injectable } from '@nestjs/common';
import type { Policy } from '../domain/policy/policy.js';
import { quoteForCaller, ServiceError } from '../domain/service-error.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { type AuditPage, AuditStore } from '../storage/stores/audit.store.js';
import { KeyStore } from '../storage/stores/key.store.js';
import { PolicyStore } from '../storage/stores/policy.store.js';
import { TenantStore } from '../storage/stores/tenant.store.js';
import {
  type AuditView,
  type KeyPolicyView,
  type KeyView,
  type NewKeyView,
  type RemovedTenantView,
  type TenantPolicyView,
  type TenantView,
  toAuditView,
  toKeyView,
  toNewKeyView,
  toTenantView,
} from './admin-views.js';
import type { CreateKeyDto } from './dto/create-key.dto.js';
import type { CreateTenantDto } from './dto/create-tenant.dto.js';
import { parseExpiry } from './dto/expiry.js';

/**
 * What administrators do with tenants and keys, by the admin API or the command line. `actor` is who the audit log names: see
 * `AuditEntry`. Every method rejects when the store cannot be reached.
 */
@Injectable()
export class AdminService {
  constructor(
    private readonly tenants: TenantStore,
    private readonly keys: KeyStore,
    private readonly audit: AuditStore,
    private readonly policies: PolicyStore,
    private readonly clock: StoreClock,
  ) {}

  /** Makes a tenant. @throws ServiceError (`conflict`) when there is one of this name. */
  async createTenant({ name }: CreateTenantDto, actor: string): Promise<TenantView> {
    const tenant = await this.tenants.create(name, actor);
    if (tenant !== undefined) return toTenantView(tenant);
    throw new ServiceError('conflict', `name: there is a tenant ${quoteForCaller(name)} already`, {
      isRetryable: false,
    });
  }

  /** All tenants, by name. */
  async listTenants(): Promise<readonly TenantView[]> {
    return (await this.tenants.list()).map(toTenantView);
  }

  /**
   * Removes a tenant and revokes its keys.
   *
   * @throws ServiceError `not_found` when there is none of this name, `conflict` when it has threads and they are not to be kept.
   */
  async removeTenant(
    name: string,
    options: { readonly keepThreads: boolean },
    actor: string,
  ): Promise<RemovedTenantView> {
    const removal = await this.tenants.remove(name, options, actor);
    switch (removal.kind) {
      case 'removed':
        return { name, removed: true, threads: removal.threads, revoked_keys: removal.revokedKeys };
      case 'unknown':
        throw noTenant(name);
      case 'has threads': {
        const problem = `the tenant ${quoteForCaller(name)} has threads (${removal.threads}): remove them first, or say that they stay (--threads keep, threads=keep)`;
        throw new ServiceError('conflict', problem, { isRetryable: false });
      }
      default:
        return removal satisfies never;
    }
  }

  /**
   * Makes a key. Its secret is in the answer, and nowhere else.
   *
   * @throws ServiceError `not_found` when there is no such tenant, `bad_request` for an expiry that is over or cannot be read.
   */
  async createKey({ tenant, name, role = 'user', expires_at }: CreateKeyDto, actor: string): Promise<NewKeyView> {
    const now = this.clock.now();
    const expiry = expires_at === undefined ? {} : { expiresAt: parseExpiry(expires_at, now) };
    const made = await this.keys.create({ tenant, role, ...(name === undefined ? {} : { name }), ...expiry }, actor);
    if (made === undefined) throw noTenant(tenant);
    return toNewKeyView(made, now);
  }

  /** All keys, or those of a tenant, newest first. */
  async listKeys({ tenant }: { readonly tenant: string | undefined }): Promise<readonly KeyView[]> {
    const now = this.clock.now();
    return (await this.keys.list(tenant)).map((key) => toKeyView(key, now));
  }

  /** Revokes a key; one that is revoked stays as it is. @throws ServiceError (`not_found`) when there is no such key. */
  async revokeKey(id: string, actor: string): Promise<KeyView> {
    const key = await this.keys.revoke(id, actor);
    if (key === undefined) throw noKey(id);
    return toKeyView(key, this.clock.now());
  }

  /** What a tenant may do, and how much. @throws ServiceError (`not_found`) when there is no such tenant. */
  async getTenantPolicy(tenant: string): Promise<TenantPolicyView> {
    const policy = await this.policies.ofTenant(tenant);
    if (policy === undefined) throw noTenant(tenant);
    return { tenant, policy };
  }

  /** Replaces the policy of a tenant. @throws ServiceError (`not_found`) when there is no such tenant. */
  async setTenantPolicy(tenant: string, policy: Policy, actor: string): Promise<TenantPolicyView> {
    if (await this.policies.setOfTenant(tenant, policy, actor)) return { tenant, policy };
    throw noTenant(tenant);
  }

  /** What a key may do, and how much. @throws ServiceError (`not_found`) when there is no such key. */
  async getKeyPolicy(id: string): Promise<KeyPolicyView> {
    const found = await this.policies.ofKey(id);
    if (found === undefined) throw noKey(id);
    return { key_id: id, ...found };
  }

  /** Replaces the policy of a key. @throws ServiceError (`not_found`) when there is no such key. */
  async setKeyPolicy(id: string, policy: Policy, actor: string): Promise<KeyPolicyView> {
    const set = await this.policies.setOfKey(id, policy, actor);
    if (set === undefined) throw noKey(id);
    return { key_id: id, ...set };
  }

  /** A page of the audit log, newest first, and where the next one begins; `null` after the last one. */
  async listAudit({
    limit,
    ...rest
  }: AuditPage): Promise<{ readonly entries: readonly AuditView[]; readonly next: string | null }> {
    // One more than the page, to detect whether there is a next one.
    const found = await this.audit.list({ limit: limit + 1, ...rest });
    const entries = found.slice(0, limit).map(toAuditView);
    return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
  }
}

function noTenant(name: string): ServiceError {
  return new ServiceError('not_found', `There is no tenant ${quoteForCaller(name)}.`);
}

function noKey(id: string): ServiceError {
  return new ServiceError('not_found', `There is no key ${quoteForCaller(id)}.`);
}
