import { Inject, Injectable } from '@nestjs/common';
import type { Kysely } from 'kysely';
import type { AppliedPolicies, AppliedPolicy, Policy } from '../../domain/policy/policy.js';
import { Database } from '../database/database.js';
import { PreparedQuery } from '../database/prepared-query.js';
import type { Tables } from '../database/tables.js';
import { recordAudit } from './audit.store.js';
import { parseStored } from './turn.js';

/** A key and its policy. */
export interface KeyPolicy {
  readonly tenant: string;
  readonly policy: Policy;
}

const OF_TENANT = new PreparedQuery((kysely, { tenant }: { readonly tenant: string }) =>
  kysely.selectFrom('tenants').select('policy').where('name', '=', tenant),
);
const OF_TENANT_AND_KEY = new PreparedQuery(
  (kysely, { tenant, keyId }: { readonly tenant: string; readonly keyId: string }) =>
    kysely.selectNoFrom((select) => [
      select.selectFrom('tenants').select('policy').where('name', '=', tenant).as('tenant'),
      select.selectFrom('api_keys').select('policy').where('id', '=', keyId).as('key'),
    ]),
);

/** The policies of tenants and keys. Every method rejects when the store cannot be reached. */
@Injectable()
export class PolicyStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** The policies that bind a caller, that of its key first. Read now, so that a change holds at once on every server. */
  find(tenant: string, keyId: string | undefined): Promise<AppliedPolicies> {
    return findPolicies(this.database.kysely, tenant, keyId);
  }

  /** The policy of a tenant, which restricts nothing until it is set. `undefined` when there is no such tenant. */
  async ofTenant(name: string): Promise<Policy | undefined> {
    const query = this.database.kysely.selectFrom('tenants').select('policy').where('name', '=', name);
    const row = await query.executeTakeFirst();
    return row === undefined ? undefined : toPolicy(row.policy);
  }

  /** The policy of a key. `undefined` when there is no such key. */
  async ofKey(id: string): Promise<KeyPolicy | undefined> {
    const query = this.database.kysely.selectFrom('api_keys').select(['tenant', 'policy']).where('id', '=', id);
    const row = await query.executeTakeFirst();
    return row === undefined ? undefined : { tenant: row.tenant, policy: toPolicy(row.policy) };
  }

  /** Replaces the policy of a tenant. False when there is no such tenant. */
  setOfTenant(name: string, policy: Policy, actor: string): Promise<boolean> {
    const at = this.database.clock.now();
    return this.database.transaction(async (transaction) => {
      const row = await transaction
        .updateTable('tenants')
        .set({ policy: toColumn(policy) })
        .where('name', '=', name)
        .returning('name')
        .executeTakeFirst();
      if (row === undefined) return false;
      const about = { tenant: name, keyId: undefined, details: { policy: { ...policy } } };
      await recordAudit(transaction, { at, actor, action: 'tenant.policy', ...about });
      return true;
    });
  }

  /** Replaces the policy of a key. `undefined` when there is no such key. */
  setOfKey(id: string, policy: Policy, actor: string): Promise<KeyPolicy | undefined> {
    const at = this.database.clock.now();
    return this.database.transaction(async (transaction) => {
      const row = await transaction
        .updateTable('api_keys')
        .set({ policy: toColumn(policy) })
        .where('id', '=', id)
        .returning('tenant')
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const about = { tenant: row.tenant, keyId: id, details: { policy: { ...policy } } };
      await recordAudit(transaction, { at, actor, action: 'key.policy', ...about });
      return { tenant: row.tenant, policy };
    });
  }
}

/** The policies that bind a caller, as {@link PolicyStore.find}, in a transaction. */
export async function findPolicies(
  executor: Kysely<Tables>,
  tenant: string,
  keyId: string | undefined,
): Promise<AppliedPolicies> {
  // A key of the settings has no policy of its own.
  const [row = { key: null, tenant: null }] =
    keyId === undefined
      ? (await OF_TENANT.run(executor, { tenant })).map(({ policy }) => ({ key: null, tenant: policy }))
      : await OF_TENANT_AND_KEY.run(executor, { tenant, keyId });
  const applied: AppliedPolicy[] = [];
  if (row.key !== null && keyId !== undefined)
    applied.push({ subject: { kind: 'key', keyId }, policy: parseStored<Policy>(row.key) });
  if (row.tenant !== null)
    applied.push({ subject: { kind: 'tenant', tenant }, policy: parseStored<Policy>(row.tenant) });
  return applied;
}

function toPolicy(column: string | null): Policy {
  return column === null ? {} : parseStored<Policy>(column);
}

/** An empty policy is none, so that its caller costs nothing to check. */
function toColumn(policy: Policy): string | null {
  return Object.keys(policy).length === 0 ? null : JSON.stringify(policy);
}
