import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, PostgresDialect, SqliteDialect, sql, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { describeFullDisk, makeFolder } from './data-folder.js';
import { MIGRATIONS } from './migrations/index.js';
import { NodeSqliteDatabase } from './sqlite.js';
import { YieldAfterSlow } from './yield-after-slow.js';
import type { StorageOptions } from '../storage-options.js';
import type { Tables } from './tables.js';

/** Name of SQLite's file in the data folder. */
const SQLITE_FILE = 'chiron.sqlite';

/** PostgreSQL's type OID of `bigint` (`pg_type.dat`: int8). */
const INT8 = 20;

/** Size of the connection pool: the store's statements are short, and the PostgreSQL server's limit is often 100. */
const POSTGRES_CONNECTIONS = 10;

/** The database system of the store. */
export type DatabaseKind = 'sqlite' | 'postgres';

/** The store could not be opened or migrated; the message names the store and the reason, never the URL's password. */
export class StorageOpenError extends Error {
  override readonly name = 'StorageOpenError';
}

/** The open, migrated store. */
export class Database {
  private constructor(
    /** For queries and transactions. SQLite serializes all of them on one connection. */
    readonly kysely: Kysely<Tables>,
    readonly kind: DatabaseKind,
    private readonly slow?: YieldAfterSlow,
  ) {}

  /**
   * Opens the store and migrates it.
   *
   * @throws {StorageOpenError} when it cannot be opened, read or migrated
   */
  static async open(
    options: Pick<StorageOptions, 'dataDirectory' | 'databaseUrl'>,
    onIdleError: (error: Error) => void = () => undefined,
  ): Promise<Database> {
    const { databaseUrl, dataDirectory } = options;
    const place = databaseUrl === undefined ? `SQLite in ${dataDirectory}` : describePostgres(databaseUrl);
    try {
      const database =
        databaseUrl === undefined
          ? await Database.#sqlite(dataDirectory)
          : Database.#postgres(databaseUrl, onIdleError);
      try {
        await migrate(database);
        return database;
      } catch (error) {
        await database.close();
        throw error;
      }
    } catch (error) {
      const note = databaseUrl === undefined ? await describeFullDisk(dataDirectory) : '';
      throw new StorageOpenError(`cannot open the store (${place}): ${describeError(error)}${note}`, { cause: error });
    }
  }

  static async #sqlite(dataDirectory: string): Promise<Database> {
    await makeFolder(dataDirectory);
    const file = join(dataDirectory, SQLITE_FILE);
    const database = new NodeSqliteDatabase(file);
    // Other users must not read conversations; SQLite copies this mode to its -wal and -shm files.
    await chmod(file, 0o600);
    const slow = new YieldAfterSlow(() => database.lastStatementMs);
    const dialect = new SqliteDialect({ database });
    return new Database(new Kysely<Tables>({ dialect, plugins: [slow] }), 'sqlite', slow);
  }

  static #postgres(databaseUrl: string, onIdleError: (error: Error) => void): Database {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      max: POSTGRES_CONNECTIONS,
      connectionTimeoutMillis: 10_000,
      application_name: 'chiron',
      types: { getTypeParser: selectTypeParser },
    });
    // Without a listener, a database server that drops an idle connection would crash this process.
    pool.on('error', onIdleError);
    return new Database(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), 'postgres');
  }

  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
  async transaction<Result>(work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result> {
    const result = await this.kysely.transaction().execute(work);
    // Committing megabytes is slow, too.
    await this.slow?.pause();
    return result;
  }

  /** Probes the store with a write that changes nothing: a store on a full disk can still be read. Rejects with the reason. */
  async probeWrite(): Promise<void> {
    // SQLite writes its header for this, PostgreSQL locks the row if there is one.
    if (this.kind === 'sqlite') await sql.raw('pragma user_version = 0').execute(this.kysely);
    else
      await this.transaction((transaction) =>
        transaction.selectFrom('threads').select('id').limit(1).forUpdate().execute(),
      );
  }

  /** Closes all connections. Idempotent. */
  async close(): Promise<void> {
    await this.kysely.destroy();
  }
}

/** `pg` returns `bigint` as a string because it may exceed a number's precision; ours are times and counters, which do not. */
function selectTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8 && format !== 'binary') return Number;
  return pg.types.getTypeParser(oid, format);
}

async function migrate({ kysely, kind }: Database): Promise<void> {
  const migrator = new Migrator({
    db: kysely,
    provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
    // Otherwise Kysely finds its tables in any schema of the database, skips creating them, and misses them in this one.
    ...(kind === 'postgres' ? { migrationTableSchema: await currentSchema(kysely) } : {}),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function currentSchema(kysely: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(kysely);
  return rows[0]?.schema ?? 'public';
}

/** Names the host and database of a URL, without its user and password. */
export function describePostgres(databaseUrl: string): string {
  const url = URL.parse(databaseUrl);
  return `PostgreSQL at ${url === null ? 'an address that is not a URL' : `${url.host}${url.pathname}`}`;
}

/** Describes a store's error for the operator. */
export function describeError(error: unknown): string {
  // A host with several addresses yields an AggregateError with an empty message and one error per address.
  if (error instanceof AggregateError) return error.errors.map(describeError).join('; ');
  return error instanceof Error ? error.message : String(error);
}

const SQLITE_UNIQUE_VIOLATIONS: readonly unknown[] = [1555, 2067]; // SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
const POSTGRES_UNIQUE_VIOLATION = '23505';
const SQLITE_FOREIGN_KEY_VIOLATION = 787; // SQLITE_CONSTRAINT_FOREIGNKEY
const POSTGRES_FOREIGN_KEY_VIOLATION = '23503';

/** True when a statement failed because a row with the same key exists. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && SQLITE_UNIQUE_VIOLATIONS.includes(error.errcode)) return true;
  return 'code' in error && error.code === POSTGRES_UNIQUE_VIOLATION;
}

/** True when a statement failed because the row that it refers to does not exist (any more). */
export function isForeignKeyViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && error.errcode === SQLITE_FOREIGN_KEY_VIOLATION) return true;
  return 'code' in error && error.code === POSTGRES_FOREIGN_KEY_VIOLATION;
}
