import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { postgresName } from '../database/database.js';
import type { ServerLock } from './lock.js';

/** How long PostgreSQL may take to answer, in milliseconds. */
const ANSWER_MS = 10_000;
const END_MS = 1000;

/** How often, and how soon, the lock of a connection that broke is tried to be had again. */
const RETAKE_TRIES = 10;
const RETAKE_PAUSE_MS = 200;

/** What the lock's connection is called in `pg_stat_activity`. */
const NAME_PREFIX = 'chiron: ';

/**
 * The advisory lock: "CHIR" and the number of the schema that the tables are in. PostgreSQL itself keeps the locks of one database
 * apart from those of another.
 */
const KEY = `(1128810834::bigint << 32) | coalesce(to_regnamespace(quote_ident(current_schema()))::oid::bigint, 0)`;

/**
 * A connection whose server host vanishes keeps its lock until PostgreSQL notices: within half a minute with these, after hours
 * without. An idle connection is not ended. Only those that this PostgreSQL knows are set; $1: for the transaction only.
 */
const SETTINGS = `select set_config(name, value, $1) from pg_settings join (values
    ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'),
    ('idle_session_timeout', '0'), ('idle_in_transaction_session_timeout', '0'))
  as wanted (name, value) using (name)`;

const HOLDER = `select pg_locks.pid, application_name, client_addr
  from pg_locks left join pg_stat_activity using (pid), (select ${KEY} as key) as wanted
  where locktype = 'advisory' and granted and objsubid = 1
    and pg_locks.database = (select oid from pg_database where datname = current_database())
    and (classid::bigint << 32 | objid::bigint) = key`;

interface Holder {
  readonly pid: number;
  readonly application_name: string | null;
  readonly client_addr: string | null;
}

/**
 * The lock on the tables of a PostgreSQL database: an advisory one on a connection of its own, which PostgreSQL gives back when the
 * connection ends. Behind a pooler (PgBouncer) the connection is not this server's alone between transactions, so that the lock is
 * held by a transaction that stays open; it has read nothing, and keeps no vacuum from its work.
 */
export class DatabaseLock implements ServerLock {
  readonly name: string;
  #client: pg.Client | undefined;
  /** The process of PostgreSQL that has, or had, this server's lock. */
  #backend: number | undefined;

  constructor(private readonly databaseUrl: string) {
    this.name = postgresName(databaseUrl);
  }

  async take(): Promise<boolean> {
    const client = this.#client ?? (await this.connect());
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    // A pooler makes up the number that it gives to its client.
    const isPooled = rows[0]?.pid !== Reflect.get(client, 'processID');
    if (isPooled) await client.query('begin');
    await client.query(SETTINGS, [isPooled]);
    const lock = isPooled ? 'pg_try_advisory_xact_lock' : 'pg_try_advisory_lock';
    const taken = await client.query<{ taken: boolean; pid: number }>(
      `select ${lock}(${KEY}) as taken, pg_backend_pid() as pid`,
    );
    if (taken.rows[0]?.taken !== true) {
      if (isPooled) await client.query('rollback');
      return false;
    }
    this.#backend = taken.rows[0].pid;
    return true;
  }

  async keep(): Promise<boolean> {
    try {
      if (this.#client !== undefined) {
        await this.#client.query('select 1');
        return true;
      }
    } catch {
      // The connection is of no use any more, whatever the reason: the next one shows more.
      await this.release();
    }
    for (let tries = 0; tries < RETAKE_TRIES; tries += 1) {
      if (await this.take()) return true;
      const holder = await this.findHolder();
      if (holder !== undefined && !this.isOwn(holder)) return false;
      // PostgreSQL has not noticed yet that the connection before is gone.
      if (holder !== undefined) await this.#client?.query('select pg_terminate_backend($1)', [holder.pid]);
      await delay(RETAKE_PAUSE_MS);
    }
    return false;
  }

  async holder(): Promise<string | undefined> {
    const holder = await this.findHolder();
    const name = holder?.application_name ?? '';
    return name.startsWith(NAME_PREFIX) ? name.slice(NAME_PREFIX.length) : (holder?.client_addr ?? undefined);
  }

  async release(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    // One that is cut off would wait for an answer for ever.
    await Promise.race([client?.end().catch(() => undefined), delay(END_MS, undefined, { ref: false })]);
  }

  private async findHolder(): Promise<Holder | undefined> {
    return (await this.#client?.query<Holder>(HOLDER))?.rows[0];
  }

  private isOwn({ pid, application_name }: Holder): boolean {
    return pid === this.#backend && application_name?.startsWith(`${NAME_PREFIX}process ${process.pid} on `) === true;
  }

  private async connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      // Cut off after 63 bytes.
      application_name: `${NAME_PREFIX}process ${process.pid} on ${hostname()}`,
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    });
    // Without a listener, a connection that breaks while it is idle would end this process; `keep` finds out.
    client.on('error', () => {
      if (this.#client === client) this.#client = undefined;
    });
    await client.connect();
    this.#client = client;
    return client;
  }
}
