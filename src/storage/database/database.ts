import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, PostgresDialect, SqliteDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { describeFullDisk, makeFolder } from './data-folder.js';
import { runDirectly } from './direct-sqlite.js';
import { migrate } from './migrate.js';
import { NodeSqliteDatabase } from './sqlite.js';
import { YieldAfterSlow } from './yield-after-slow.js';
import type { StorageOptions } from '../storage-options.js';
import { StoreClock } from './store-clock.js';
import type { Tables } from './tables.js';

/** PostgreSQL's time in milliseconds since the epoch. */
export const STORE_NOW = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`;

/** The key of the advisory lock of schema changes: "CHIR" as a number. */
const MIGRATION_LOCK = 1_128_810_834;

/** Name of SQLite's file in the data folder. */
export const SQLITE_FILE = 'chiron.sqlite';

/** PostgreSQL's type OID of `bigint` (`pg_type.dat`: int8). */
const INT8 = 20;

/** Size of the connection pool: the store's statements are short, and the PostgreSQL server's limit is often 100. */
const POSTGRES_CONNECTIONS = 10;

/** Where the store is. */
type OpenOptions = Pick<StorageOptions, 'dataDirectory' | 'databaseUrl' | 'transactionIdleMs'>;

/** The database system of the store. */
export type DatabaseKind = 'sqlite' | 'postgres';

/** The store could not be opened or migrated; the message names the store and the reason, never the URL's password. */
export class StorageOpenError extends Error {
  override readonly name = 'StorageOpenError';
}

/** This server was given up by the others, as it was silent for too long: what it writes is refused. */
export class NodeLostError extends Error {
  override readonly name = 'NodeLostError';

  constructor() {
    super('the other servers have given this one up; its write was refused');
  }
}

/** One start of a server. */
export interface NodeIdentity {
  readonly id: string;
  readonly incarnation: string;
}

/** The open, migrated store. */
export class Database {
  readonly clock = new StoreClock();
  /** This server, once it is one of several on the store; its writes about running turns are then fenced, see {@link lockNode}. */
  node: NodeIdentity | undefined;

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
  static open(options: OpenOptions, onIdleError: (error: Error) => void = () => undefined): Promise<Database> {
    return Database.#open(options, onIdleError, (database) =>
      database.alone(() => migrate(database.kysely, database.kind)),
    );
  }

  /**
   * Opens the store as it is, to look at it. Makes an SQLite store that does not exist.
   *
   * @throws {StorageOpenError} when it cannot be opened or read
   */
  static openAsItIs(options: OpenOptions): Promise<Database> {
    return Database.#open(options, () => undefined);
  }

  static async #open(
    options: OpenOptions,
    onIdleError: (error: Error) => void,
    prepare?: (database: Database) => Promise<void>,
  ): Promise<Database> {
    const { databaseUrl, dataDirectory } = options;
    const place = databaseUrl === undefined ? `SQLite in ${dataDirectory}` : describePostgres(databaseUrl);
    try {
      const database =
        databaseUrl === undefined
          ? await Database.#sqlite(dataDirectory)
          : Database.#postgres(databaseUrl, options.transactionIdleMs, onIdleError);
      try {
        await prepare?.(database);
        await database.syncClock();
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
    return new Database(runDirectly(new Kysely({ dialect, plugins: [slow] }), database, slow), 'sqlite', slow);
  }

  static #postgres(
    databaseUrl: string,
    transactionIdleMs: number | undefined,
    onIdleError: (error: Error) => void,
  ): Database {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      max: POSTGRES_CONNECTIONS,
      connectionTimeoutMillis: 10_000,
      application_name: 'chiron',
      types: { getTypeParser: selectTypeParser },
    });
    // Without a listener, a database server that drops an idle connection would crash this process.
    pool.on('error', onIdleError);
    // Nor one that drops a connection between two statements of a transaction; the next statement fails.
    pool.on('connect', (client) => {
      client.on('error', () => undefined);
      if (transactionIdleMs === undefined) return;
      // Not as a parameter of the connection, which poolers refuse. It is the first statement; a connection that fails has no other.
      client.query(`set idle_in_transaction_session_timeout = ${Math.round(transactionIdleMs)}`).catch(() => undefined);
    });
    return new Database(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), 'postgres');
  }

  /** Runs `work` in one transaction: committed when it resolves, rolled back when it rejects. */
  async transaction<Result>(work: (transaction: Transaction<Tables>) => Promise<Result>): Promise<Result> {
    const result = await this.kysely.transaction().execute(work);
    // Committing megabytes is slow, too.
    if (this.slow?.isDue === true) await this.slow.pause();
    return result;
  }

  /**
   * Runs a task that changes the schema while no other server does so: a migration that looks at all tables fails when another one is
   * just changing them. Settles as the task does.
   */
  async alone<Result>(task: () => Promise<Result>): Promise<Result> {
    if (this.kind !== 'postgres') return task();
    return this.transaction(async (transaction) => {
      // It does nothing while the task runs.
      await sql`set local idle_in_transaction_session_timeout = 0`.execute(transaction);
      await sql`select pg_advisory_xact_lock(${MIGRATION_LOCK})`.execute(transaction);
      return task();
    });
  }

  /**
   * Makes sure that the others have not given this server up, and that they do not before the transaction ends.
   *
   * @throws NodeLostError
   */
  async lockNode(transaction: Transaction<Tables>): Promise<void> {
    if (this.node === undefined) return;
    const { id, incarnation } = this.node;
    const own = await transaction
      .selectFrom('nodes')
      .select('id')
      .where('id', '=', id)
      .where('incarnation', '=', incarnation)
      .where('state', '!=', 'lost')
      .forShare()
      .executeTakeFirst();
    if (own === undefined) throw new NodeLostError();
  }

  /** Sets {@link clock} by PostgreSQL's. Rejects when the store cannot be reached. */
  async syncClock(): Promise<void> {
    if (this.kind !== 'postgres') return;
    const { rows } = await sql<{ now: number }>`select ${STORE_NOW} as now`.execute(this.kysely);
    if (rows[0] !== undefined) this.clock.follow(rows[0].now);
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
