import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import { Database } from '../database/database.js';
import type { Tables, TenantTable } from '../database/tables.js';
import { recordAudit } from './audit.store.js';
import { deleteFilesOf } from './file.store.js';
import { revokeKeys } from './key.store.js';
import { lockTenant } from './tenant-lock.js';
import { deleteEndpoint } from './webhook.store.js';

/** A tenant that an administrator made. */
export interface Tenant {
  /** Names its threads, as the name of a key in `CHIRON_API_KEYS` does. */
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** How many threads of this name there are. */
  readonly threads: number;
}

/** What became of the removal of a tenant. */
export type TenantRemoval =
  | { readonly kind: 'removed'; readonly threads: number; readonly revokedKeys: number }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'has threads'; readonly threads: number };

/** The tenants that administrators made. Every method rejects when the store cannot be reached. */
@Injectable()
export class TenantStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Makes a tenant. `undefined` when there is one of this name. Threads that have the name already are its own. */
  create(name: string, actor: string): Promise<Tenant | undefined> {
    const at = this.database.clock.now();
    return this.database.transaction(async (transaction) => {
      const row = await transaction
        .insertInto('tenants')
        .values({ name, created_at: at, policy: null })
        .onConflict((conflict) => conflict.doNothing())
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const tenant = toTenant(row, await countThreads(transaction, name));
      const details = { threads: tenant.threads };
      await recordAudit(transaction, { at, actor, action: 'tenant.create', tenant: name, keyId: undefined, details });
      return tenant;
    });
  }

  /** All tenants, by name. */
  async list(): Promise<readonly Tenant[]> {
    const rows = await this.database.kysely
      .selectFrom('tenants')
      .selectAll()
      .select((select) =>
        select
          .selectFrom('threads')
          .select((count) => count.fn.countAll<number>().as('threads'))
          .whereRef('threads.tenant', '=', 'tenants.name')
          .as('threads'),
      )
      .orderBy('name')
      .execute();
    return rows.map((row) => toTenant(row, row.threads ?? 0));
  }

  /** Removes a tenant with its uploaded files and revokes its keys. Its threads stay; without `keepThreads`, a tenant that has some is not removed. */
  remove(name: string, { keepThreads }: { readonly keepThreads: boolean }, actor: string): Promise<TenantRemoval> {
    const at = this.database.clock.now();
    return this.database.transaction(async (transaction): Promise<TenantRemoval> => {
      if ((await lockTenant(transaction, name)) === undefined) return { kind: 'unknown' };
      const threads = await countThreads(transaction, name);
      if (threads > 0 && !keepThreads) return { kind: 'has threads', threads };
      const revoked = await revokeKeys(transaction, { tenant: name }, { at, actor });
      await deleteEndpoint(transaction, name);
      await deleteFilesOf(transaction, name);
      await transaction.deleteFrom('tenants').where('name', '=', name).execute();
      const details = { threads, revoked_keys: revoked.length };
      await recordAudit(transaction, { at, actor, action: 'tenant.remove', tenant: name, keyId: undefined, details });
      return { kind: 'removed', threads, revokedKeys: revoked.length };
    });
  }
}

async function countThreads(executor: Kysely<Tables>, tenant: string): Promise<number> {
  const query = executor.selectFrom('threads').where('tenant', '=', tenant);
  return (await query.select((count) => count.fn.countAll<number>().as('threads')).executeTakeFirstOrThrow()).threads;
}

function toTenant(row: TenantTable, threads: number): Tenant {
  return { name: row.name, createdAt: row.created_at, threads };
}
