import { PostgresJobs } from '../cluster/postgres-jobs.js';
import { readConfig } from '../config/app-config.js';
import { HARNESSES } from '../harness/harnesses.js';
import { Database, describePostgres } from '../storage/database/database.js';
import { ServerLocks } from '../storage/locks/server-locks.js';
import { readEnvFile } from './env-file.js';

/**
 * Brings the schema of the configured store to this version and ends; a server does the same as it starts. On PostgreSQL servers may run
 * meanwhile, on SQLite none may.
 *
 * @returns what was done, for the operator
 * @throws ConfigurationError, or StorageOpenError when the store cannot be opened or migrated
 */
export async function migrateStore(): Promise<string> {
  readEnvFile('.env', process.env);
  const config = readConfig(process.env, HARNESSES);
  const { databaseUrl, dataDirectory } = config;
  // A server alone on PostgreSQL has its data folder locked, and goes on beside a new schema.
  const locks = databaseUrl === undefined ? await ServerLocks.acquire(config) : undefined;
  try {
    const database = await Database.open(config);
    try {
      if (databaseUrl !== undefined) await (await PostgresJobs.open(config, database)).onApplicationShutdown();
    } finally {
      await database.close();
    }
  } finally {
    await locks?.release();
  }
  const store = databaseUrl === undefined ? `SQLite in ${dataDirectory}` : describePostgres(databaseUrl);
  return `The store (${store}) has the schema of this version.`;
}
