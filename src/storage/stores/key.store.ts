import { randomBytes, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { Database } from '../database/database.js';
import { limitOf, PreparedQuery } from '../database/prepared-query.js';
import type { ApiKeyTable, Tables } from '../database/tables.js';
import { recordAudit } from './audit.store.js';
import { createKeySecret, hashKeySecret, isKeySecret } from './key-secret.js';
import { lockTenant } from './tenant-lock.js';
import { parseEnum } from './turn.js';

/** What a key is for: its tenant's threads, or the administration of the server as well. */
export type KeyRole = 'user' | 'admin';

/** A key of a tenant, without the key itself. Times are milliseconds since the epoch. */
export interface StoredKey {
  /** What logs and audit entries show. */
  readonly id: string;
  /** The name of its tenant. */
  readonly tenant: string;
  /** What it is for, in its maker's words. */
  readonly name: string | undefined;
  readonly role: KeyRole;
  readonly createdAt: number;
  /** From then on it is refused. */
  readonly expiresAt: number | undefined;
  /** To the minute. */
  readonly lastUsedAt: number | undefined;
  readonly revokedAt: number | undefined;
}

/** A key to make. */
export type NewKey = Pick<StoredKey, 'tenant' | 'role'> & Partial<Pick<StoredKey, 'name' | 'expiresAt'>>;

/** A key that was just made. Nothing else ever has the secret. */
export interface MadeKey {
  readonly key: StoredKey;
  readonly secret: string;
}

/** How old the stored last use becomes before it is written again: a busy key would write for each request. */
const LAST_USE_MS = 60_000;

/** All roles. */
export const KEY_ROLES: readonly KeyRole[] = ['user', 'admin'];

const ANY_KEY = new PreparedQuery((kysely) => kysely.selectFrom('api_keys').select('id').limit(limitOf(1)));

/** The keys of all tenants. Every method rejects when the store cannot be reached. */
@Injectable()
export class KeyStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Makes a key. `undefined` when there is no such tenant. */
  create({ tenant, name, role, expiresAt }: NewKey, actor: string): Promise<MadeKey | undefined> {
    const secret = createKeySecret();
    const at = this.database.clock.now();
    const row: ApiKeyTable = {
      id: `key_${randomBytes(12).toString('hex')}`,
      sha256: hashKeySecret(secret).toString('hex'),
      tenant,
      name: name ?? null,
      role,
      created_at: at,
      expires_at: expiresAt ?? null,
      last_used_at: null,
      revoked_at: null,
      policy: null,
    };
    return this.database.transaction(async (transaction) => {
      if ((await lockTenant(transaction, tenant)) === undefined) return undefined;
      await transaction.insertInto('api_keys').values(row).execute();
      const details = { name: row.name, role, expires_at: toIsoOrNull(expiresAt) };
      await recordAudit(transaction, { at, actor, action: 'key.create', tenant, keyId: row.id, details });
      return { key: toStoredKey(row), secret };
    });
  }

  /** The first of these secrets that is a key in force: neither revoked nor expired. Read now, so that a revocation holds at once. */
  async findValid(secrets: readonly string[]): Promise<StoredKey | undefined> {
    const digests = secrets.filter(isKeySecret).map(hashKeySecret);
    if (digests.length === 0) return undefined;
    const hexes = digests.map((digest) => digest.toString('hex'));
    const rows = await this.database.kysely.selectFrom('api_keys').selectAll().where('sha256', 'in', hexes).execute();
    const now = this.database.clock.now();
    const valid = rows.find(
      (row) =>
        row.revoked_at === null &&
        (row.expires_at === null || row.expires_at > now) &&
        digests.some((digest) => timingSafeEqual(digest, Buffer.from(row.sha256, 'hex'))),
    );
    return valid === undefined ? undefined : toStoredKey(valid);
  }

  /** Records that a key was used, at most once a minute for each key, however many servers see it. */
  async recordUse({ id, lastUsedAt }: StoredKey): Promise<void> {
    const now = this.database.clock.now();
    if (lastUsedAt !== undefined && lastUsedAt > now - LAST_USE_MS) return;
    await this.database.kysely
      .updateTable('api_keys')
      .set({ last_used_at: now })
      .where('id', '=', id)
      .where((where) => where.or([where('last_used_at', 'is', null), where('last_used_at', '<=', now - LAST_USE_MS)]))
      .execute();
  }

  /** All keys, or those of a tenant, newest first; revoked and expired ones, too. */
  async list(tenant?: string): Promise<readonly StoredKey[]> {
    let query = this.database.kysely.selectFrom('api_keys').selectAll();
    if (tenant !== undefined) query = query.where('tenant', '=', tenant);
    return (await query.orderBy('created_at', 'desc').orderBy('id').execute()).map(toStoredKey);
  }

  /** Revokes a key; one that is revoked stays as it is. `undefined` when there is no such key. */
  revoke(id: string, actor: string): Promise<StoredKey | undefined> {
    return this.database.transaction(async (transaction) => {
      const [revoked] = await revokeKeys(transaction, { id }, { at: this.database.clock.now(), actor });
      if (revoked !== undefined) return revoked;
      const row = await transaction.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toStoredKey(row);
    });
  }

  /** Whether a key was ever made. Stays true once it is, whatever is revoked. */
  async hasAny(): Promise<boolean> {
    return (await ANY_KEY.run(this.database.kysely, {})).length > 0;
  }

  /** The tenants with a key in force. */
  async tenantsInUse(): Promise<readonly string[]> {
    const now = this.database.clock.now();
    const rows = await this.database.kysely
      .selectFrom('api_keys')
      .select('tenant')
      .distinct()
      .where('revoked_at', 'is', null)
      .where((where) => where.or([where('expires_at', 'is', null), where('expires_at', '>', now)]))
      .execute();
    return rows.map(({ tenant }) => tenant);
  }
}

/** Revokes the keys with this id or of this tenant that are not revoked, and records each. Returns them. */
export async function revokeKeys(
  transaction: Transaction<Tables>,
  which: { readonly id: string } | { readonly tenant: string },
  { at, actor }: { readonly at: number; readonly actor: string },
): Promise<readonly StoredKey[]> {
  const [column, value] = 'id' in which ? (['id', which.id] as const) : (['tenant', which.tenant] as const);
  const rows = await transaction
    .updateTable('api_keys')
    .set({ revoked_at: at })
    .where(column, '=', value)
    .where('revoked_at', 'is', null)
    .returningAll()
    .execute();
  for (const { id, tenant, name } of rows) {
    await recordAudit(transaction, { at, actor, action: 'key.revoke', tenant, keyId: id, details: { name } });
  }
  return rows.map(toStoredKey);
}

function toIsoOrNull(time: number | undefined): string | null {
  return time === undefined ? null : new Date(time).toISOString();
}

function toStoredKey(row: ApiKeyTable): StoredKey {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name ?? undefined,
    role: parseEnum(KEY_ROLES, row.role, 'key role'),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}
