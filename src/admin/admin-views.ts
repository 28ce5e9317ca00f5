import type { JsonObject } from '../domain/harness-event.js';
import type { Policy } from '../domain/policy/policy.js';
import type { AuditEntry } from '../storage/stores/audit.store.js';
import type { KeyRole, MadeKey, StoredKey } from '../storage/stores/key.store.js';
import type { Tenant } from '../storage/stores/tenant.store.js';
import type { WebhookEndpoint } from '../storage/stores/webhook.store.js';

/** A tenant as the admin API and the command line show it. Times are ISO 8601. */
export interface TenantView {
  readonly name: string;
  readonly created_at: string;
  readonly threads: number;
}

/** A key as the admin API and the command line show it, without the key itself. */
export interface KeyView {
  readonly id: string;
  readonly tenant: string;
  readonly name: string | null;
  readonly role: KeyRole;
  readonly state: 'active' | 'expired' | 'revoked';
  readonly created_at: string;
  readonly expires_at: string | null;
  readonly last_used_at: string | null;
  readonly revoked_at: string | null;
}

/** A key that was just made, with the key itself, which is shown this once. */
export type NewKeyView = KeyView & { readonly key: string };

/** The policy of a tenant; empty if it restricts nothing. */
export interface TenantPolicyView {
  readonly tenant: string;
  readonly policy: Policy;
}

/** The policy of a key; empty if it restricts nothing. */
export interface KeyPolicyView {
  readonly key_id: string;
  readonly tenant: string;
  readonly policy: Policy;
}

/** An entry of the audit log as the admin API and the command line show it. */
export interface AuditView {
  readonly id: string;
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly tenant: string;
  readonly key_id: string | null;
  readonly details: JsonObject;
}

/** What the removal of a tenant left and revoked. */
export interface RemovedTenantView {
  readonly name: string;
  readonly removed: true;
  readonly threads: number;
  readonly revoked_keys: number;
}

/** Where a tenant gets its webhooks, as the admin API shows it. */
export interface WebhookView {
  readonly tenant: string;
  readonly url: string;
  readonly created_at: string;
}

/** A webhook that was just set, with its secret, which is shown this once. */
export type NewWebhookView = WebhookView & { readonly secret: string };

/** That a tenant gets no more webhooks. */
export interface RemovedWebhookView {
  readonly tenant: string;
  readonly removed: true;
}

/** A webhook for administrators. */
export function toWebhookView({ tenant, url, createdAt }: WebhookEndpoint): WebhookView {
  return { tenant, url, created_at: toIso(createdAt) };
}

/** A new webhook for its administrator. */
export function toNewWebhookView(endpoint: WebhookEndpoint): NewWebhookView {
  return { ...toWebhookView(endpoint), secret: endpoint.secret };
}

/** A tenant for administrators. */
export function toTenantView({ name, createdAt, threads }: Tenant): TenantView {
  return { name, created_at: toIso(createdAt), threads };
}

/** A key for administrators. @param nowMs decides whether it has expired. */
export function toKeyView(key: StoredKey, nowMs: number): KeyView {
  const isExpired = key.expiresAt !== undefined && key.expiresAt <= nowMs;
  return {
    id: key.id,
    tenant: key.tenant,
    name: key.name ?? null,
    role: key.role,
    state: key.revokedAt !== undefined ? 'revoked' : isExpired ? 'expired' : 'active',
    created_at: toIso(key.createdAt),
    expires_at: toIsoOrNull(key.expiresAt),
    last_used_at: toIsoOrNull(key.lastUsedAt),
    revoked_at: toIsoOrNull(key.revokedAt),
  };
}

/** A new key for its administrator. */
export function toNewKeyView({ key, secret }: MadeKey, nowMs: number): NewKeyView {
  const { id, ...view } = toKeyView(key, nowMs);
  return { id, key: secret, ...view };
}

/** An entry of the audit log for administrators. */
export function toAuditView({ id, at, actor, action, tenant, keyId, details }: AuditEntry): AuditView {
  return { id, at: toIso(at), actor, action, tenant, key_id: keyId ?? null, details };
}

function toIso(time: number): string {
  return new Date(time).toISOString();
}

function toIsoOrNull(time: number | undefined): string | null {
  return time === undefined ? null : toIso(time);
}
