import type { Transaction } from 'kysely';
import type { Tables, TenantTable } from '../database/tables.js';

/**
 * Finds a tenant and keeps it until the transaction ends, so that nobody makes a key for a tenant that is just removed. A write that changes
 * nothing, because SQLite has no `for update`. `undefined` when there is no such tenant.
 */
export function lockTenant(transaction: Transaction<Tables>, name: string): Promise<TenantTable | undefined> {
  return transaction
    .updateTable('tenants')
    .set((set) => ({ created_at: set.ref('created_at') }))
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst();
}
