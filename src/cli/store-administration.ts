import { AdminService } from '../admin/admin.service.js';
import { readConfig } from '../config/app-config.js';
import { HARNESSES } from '../harness/harnesses.js';
import { readEnvFile } from '../start/env-file.js';
import { Database } from '../storage/database/database.js';
import { AuditStore, COMMAND_LINE } from '../storage/stores/audit.store.js';
import { KeyStore } from '../storage/stores/key.store.js';
import { PolicyStore } from '../storage/stores/policy.store.js';
import { TenantStore } from '../storage/stores/tenant.store.js';
import { ThreadStore } from '../storage/stores/thread.store.js';
import { UsageStore } from '../storage/stores/usage.store.js';
import { UsageService } from '../usage/usage.service.js';

/** Runs `work` on the tenants, keys and audit log of {@link withDatabase}; it gets the actor that the audit log names as well. */
export function withAdmin<Result>(work: (admin: AdminService, actor: string) => Promise<Result>): Promise<Result> {
  return withDatabase((database) => {
    const [tenants, keys] = [new TenantStore(database), new KeyStore(database)];
    const [audit, policies] = [new AuditStore(database), new PolicyStore(database)];
    return work(new AdminService(tenants, keys, audit, policies, database.clock), COMMAND_LINE);
  });
}

/** Runs `work` on the usage of {@link withDatabase}. */
export function withUsage<Result>(work: (usage: UsageService) => Promise<Result>): Promise<Result> {
  return withDatabase((database) => work(new UsageService(new UsageStore(database))));
}

/** Runs `work` on the threads of {@link withDatabase}. */
export function withThreads<Result>(work: (threads: ThreadStore) => Promise<Result>): Promise<Result> {
  return withDatabase((database) => work(new ThreadStore(database)));
}

/**
 * Opens the store that a server in this folder has, also while one runs: without its lock, as this runs no turns. Closes it when `work` has
 * settled, and settles as `work` does.
 *
 * @throws ConfigurationError for settings with which no server starts, StorageOpenError for a store that cannot be opened.
 */
async function withDatabase<Result>(work: (database: Database) => Promise<Result>): Promise<Result> {
  readEnvFile('.env', process.env);
  const database = await Database.open(readConfig(process.env, HARNESSES));
  try {
    return await work(database);
  } finally {
    await database.close();
  }
}
