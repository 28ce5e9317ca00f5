import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, PostgresDialect, SqliteDialect, sql, type Transaction } from 'kysely';
import { Migrator } from 'kysely/migration';
import pg from 'pg';
import { diskNote, makeFolder } from './data-folder.js';
import { MIGRATIONS } from './migrations/index.js';
import { NodeSqliteDatabase } from './sqlite.js';
import { YieldAfterSlow } from './yield-after-slow.js';
import type { StorageOptions } from '../storage-options.js';
import type { Tables } from './tables.js';

/** SQLite's file in the data folder. */
const SQLITE_FILE = 'chiron.sqlite';

/** PostgreSQL's type number of `bigint` (`pg_type.dat`: int8). */
const INT8 = 20;

/** Connections of one process to PostgreSQL; the store's statements are short, and the server's own limit is often 100. */
const POSTGRES_CONNECTIONS = 10;

/** Which program keeps the store. */
export type DatabaseKind = 'sqlite' | 'postgres';

/** The store could not be opened or brought up to date; the message says which store and why, never the URL's password. */
export class StorageOpenError extends Error {
  override readonly name = 'StorageOpenError';
}

/** The open store: a Kysely instance whose schema is up to date. */
export class Database {
  private constructor(
    /** For queries and transactions. On SQLite everything goes through one connection, in turn. */
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
    const place = databaseUrl === undefined ? `SQLite in ${dataDirectory}` : postgresName(databaseUrl);
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
      const note = databaseUrl === undefined ? await diskNote(dataDirectory) : '';
      throw new StorageOpenError(`cannot open the store (${place}): ${describeError(error)}${note}`, { cause: error });
    }
  }

  static async #sqlite(dataDirectory: string): Promise<Database> {
    await makeFolder(dataDirectory);
    const file = join(dataDirectory, SQLITE_FILE);
    const database = new NodeSqliteDatabase(file);
    // Conversations are nobody else's to read; SQLite gives its -wal and -shm files the mode of this one.
    await chmod(file, 0o600);
    const slow = new YieldAfterSlow(() => database.took);
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
    // Without a listener, a server that goes away while a connection is idle would end this process.
    pool.on('error', onIdleError);
    return new Database(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), 'postgres');
  }

  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
  async transaction<Result>(work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result> {
    const result = await this.kysely.transaction().execute(work);
    // The commit of megabytes is slow, too.
    await this.slow?.pause();
    return result;
  }

  /** Resolves when the store takes a write, which changes nothing; rejects with the reason when it does not: a full disk can be read. */
  async tryToWrite(): Promise<void> {
    // SQLite writes its header for this, PostgreSQL locks the row if there is one.
    if (this.kind === 'sqlite') await sql.raw('pragma user_version = 0').execute(this.kysely);
    else
      await this.transaction((transaction) =>
        transaction.selectFrom('threads').select('id').limit(1).forUpdate().execute(),
      );
  }

  /** Ends all connections. Safe to call again. */
  async close(): Promise<void> {
    await this.kysely.destroy();
  }
}

/** `pg` gives `bigint` as a string, as it may be too large for a number; ours are times and counters, which are not. */
function selectTypeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8 && format !== 'binary') return Number;
  return pg.types.getTypeParser(oid, format);
}

async function migrate({ kysely, kind }: Database): Promise<void> {
  const migrator = new Migrator({
    db: kysely,
    provider: { getMigrations: () => Promise.resolve(MIGRATIONS) },
    // Otherwise it takes the tables of any schema of the database for its own, and finds them missing in this one.
    ...(kind === 'postgres' ? { migrationTableSchema: await currentSchema(kysely) } : {}),
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

async function currentSchema(kysely: Kysely<Tables>): Promise<string> {
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(kysely);
  return rows[0]?.schema ?? 'public';
}

/** Host and database of a URL, without its user and password. */
export function postgresName(databaseUrl: string): string {
  const url = URL.parse(databaseUrl);
  return `PostgreSQL at ${url === null ? 'an address that is not a URL' : `${url.host}${url.pathname}`}`;
}

/** What went wrong with a store, for its operator. */
export function describeError(error: unknown): string {
  // A host with several addresses refuses with one error per address and an empty message of its own.
  if (error instanceof AggregateError) return error.errors.map(describeError).join('; ');
  return error instanceof Error ? error.message : String(error);
}

const SQLITE_UNIQUE_VIOLATIONS: readonly unknown[] = [1555, 2067]; // SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_UNIQUE
const POSTGRES_UNIQUE_VIOLATION = '23505';
const SQLITE_FOREIGN_KEY_VIOLATION = 787; // SQLITE_CONSTRAINT_FOREIGNKEY
const POSTGRES_FOREIGN_KEY_VIOLATION = '23503';

/** True when a statement failed because a row with the same key is there already. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && SQLITE_UNIQUE_VIOLATIONS.includes(error.errcode)) return true;
  return 'code' in error && error.code === POSTGRES_UNIQUE_VIOLATION;
}

/** True when a statement failed because the row that it belongs to is not there (any more). */
export function isForeignKeyViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('errcode' in error && error.errcode === SQLITE_FOREIGN_KEY_VIOLATION) return true;
  return 'code' in error && error.code === POSTGRES_FOREIGN_KEY_VIOLATION;
}
