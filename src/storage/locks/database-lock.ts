import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { describePostgres } from '../database/database.js';
import type { ServerLock } from './lock.js';

/** Timeouts of a query and of closing the connection. */
const QUERY_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 1000;

/** Prefix of the connection's `application_name` in `pg_stat_activity`. */
const NAME_PREFIX = 'chiron: ';

/**
 * The key of the advisory lock: "CHIR" and the OID of the schema of the tables. PostgreSQL scopes advisory locks to the database.
 */
const KEY = `(1128810834::bigint << 32) | coalesce(to_regnamespace(quote_ident(current_schema()))::oid::bigint, 0)`;

/**
 * When a server's host vanishes, its connection keeps the lock until PostgreSQL notices: within half a minute with these settings,
 * after hours without. They also keep PostgreSQL from closing the idle connection. Settings that this PostgreSQL does not know are
 * skipped; $1: for the transaction only.
 */
const SETTINGS = `select set_config(name, value, $1) from pg_settings join (values
    ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
    ('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'))
  as wanted (name, value) using (name)`;

const HOLDER = `select application_name, client_addr
  from pg_locks left join pg_stat_activity using (pid), (select ${KEY} as key) as wanted
  where locktype = 'advisory' and granted and objsubid = 1 and mode = 'ExclusiveLock'
    and pg_locks.database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32 | objid::bigint) = key`;

interface Holder {
  readonly application_name: string | null;
  readonly client_addr: string | null;
}

/**
 * The lock on the tables of a PostgreSQL database against servers from before 0.2, which take the turns of all others: those hold it
 * alone, and servers that share a store hold it together. It is an advisory lock on its own connection, which PostgreSQL releases when the
 * connection ends. A pooler (PgBouncer) shares connections between transactions, so there an open transaction holds the lock; it
 * has read nothing, and so does not hold back vacuum.
 */
export class DatabaseLock implements ServerLock {
  readonly name: string;
  #client: pg.Client | undefined;

  constructor(private readonly databaseUrl: string) {
    this.name = describePostgres(databaseUrl);
  }

  async acquire(): Promise<boolean> {
    const client = this.#client ?? (await this.connect());
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    // A pooler invents the process id that it reports to its client.
    const isPooled = rows[0]?.pid !== Reflect.get(client, 'processID');
    if (isPooled) await client.query('begin');
    await client.query(SETTINGS, [isPooled]);
    const lock = isPooled ? 'pg_try_advisory_xact_lock_shared' : 'pg_try_advisory_lock_shared';
    const acquired = await client.query<{ acquired: boolean }>(`select ${lock}(${KEY}) as acquired`);
    if (acquired.rows[0]?.acquired !== true) {
      if (isPooled) await client.query('rollback');
      return false;
    }
    return true;
  }

  async ensureHeld(): Promise<boolean> {
    try {
      if (this.#client !== undefined) {
        await this.#client.query('select 1');
        return true;
      }
    } catch {
      // The connection is broken, whatever the reason: reconnecting reports more.
      await this.release();
    }
    return this.acquire();
  }

  async describeHolder(): Promise<string | undefined> {
    const holder = await this.findHolder();
    const name = holder?.application_name ?? '';
    return name.startsWith(NAME_PREFIX) ? name.slice(NAME_PREFIX.length) : (holder?.client_addr ?? undefined);
  }

  async release(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // A connection that was cut off would wait for a reply forever.
    await Promise.race([client?.end().catch(() => undefined), delay(CLOSE_TIMEOUT_MS, undefined, { ref: false })]);
  }

  private async findHolder(): Promise<Holder | undefined> {
    return (await this.#client?.query<Holder>(HOLDER))?.rows[0];
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      // PostgreSQL truncates it after 63 bytes.
      application_name: `${NAME_PREFIX}process ${process.pid} on ${hostname()}`,
      connectionTimeoutMillis: QUERY_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      keepAlive: true,
    });
    // Without a listener, a connection that breaks while idle would crash this process; `ensureHeld` detects it.
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined;
    });
    await client.connect();
    this.#client = client;
    return client;
  }
}
