import { setTimeout as wait } from 'node:timers/promises';
import { type Kysely, sql } from 'kysely';
import { DEFAULT_MIGRATION_TABLE, Migrator } from 'kysely/migration';
import { MIGRATIONS } from './migrations/index.js';
import type { Tables } from './tables.js';

/** PostgreSQL's code of the statement that it has chosen to end (deadlock_detected). */
const DEADLOCK = '40P01';
const MAX_ATTEMPTS = 10;
const PAUSE_MS = 200;

/** Brings the schema to this version's. @throws for a store that a newer version has migrated. */
export async function migrate(kysely: Kysely<Tables>, kind: 'sqlite' | 'postgres'): Promise<void> {
  const migrator = await createMigrator(kysely, kind);
  let { error } = await migrator.migrateToLatest();
  // Servers of the version before write meanwhile, and lock the same tables in another order. Nothing of it was kept.
  for (let attempt = 1; isDeadlock(error) && attempt < MAX_ATTEMPTS; attempt += 1) {
    await wait(attempt * PAUSE_MS);
    ({ error } = await migrator.migrateToLatest());
  }
  if (error === undefined) return;
  const newer = findNewer(await readApplied(kysely));
  if (newer.length === 0) throw error;
  throw new Error(describeNewer(newer), { cause: error });
}

function isDeadlock(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === DEADLOCK;
}

/** How the schema of a store differs from this version's. */
export interface SchemaState {
  /** The last migration that it has; `undefined` for an empty store. */
  readonly last: string | undefined;
  /** How many migrations of this version it lacks. */
  readonly missing: number;
  /** Why this version cannot use it: a newer one has changed it. */
  readonly problem: string | undefined;
}

/** Reads the state of the schema without changing it. */
export async function readSchemaState(kysely: Kysely<Tables>, kind: 'sqlite' | 'postgres'): Promise<SchemaState> {
  const known = await (await createMigrator(kysely, kind)).getMigrations();
  const missing = known.filter(({ executedAt }) => executedAt === undefined).length;
  const applied = missing === known.length ? [] : await readApplied(kysely);
  const newer = findNewer(applied);
  return { last: applied.toSorted().at(-1), missing, problem: newer.length === 0 ? undefined : describeNewer(newer) };
}

async function createMigrator(kysely: Kysely<Tables>, kind: 'sqlite' | 'postgres'): Promise<Migrator> {
  return new Migrator({
    db: kysely,
    provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
    // Otherwise Kysely finds its tables in any schema of the database, skips creating them, and misses them in this one.
    ...(kind === 'postgres' ? { migrationTableSchema: await currentSchema(kysely) } : {}),
  });
}

function findNewer(applied: readonly string[]): readonly string[] {
  return applied.filter((name) => !Object.hasOwn(MIGRATIONS, name));
}

function describeNewer(newer: readonly string[]): string {
  return `a newer version of Chiron has changed it (${newer.join(', ')}); start that version`;
}

async function currentSchema(kysely: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(kysely);
  return rows[0]?.schema ?? 'public';
}

/** The names of the migrations that the store has. */
async function readApplied(kysely: Kysely<Tables>): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(kysely);
  return rows.map(({ name }) => name);
}
