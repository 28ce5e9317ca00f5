import { AsyncLocalStorage } from 'node:async_hooks';
import { Logger } from '@nestjs/common';
import pg from 'pg';
import { KeyLock } from '../key-lock.js';

/** Connections for locks, besides those of the store: a task that holds a lock needs one of those. */
const POOL_SIZE = 10;

/**
 * A lock for all servers of a PostgreSQL store: advisory locks. In this process, tasks of a key wait without a connection. A server that
 * vanishes, or is given up by the others, loses its locks.
 */
export class DatabaseKeyLock extends KeyLock {
  readonly #logger = new Logger('KeyLock');
  readonly #pool: pg.Pool;
  /** The connection of the task that runs: a task within it takes its lock there, so that two of them cannot wait for a third connection. */
  readonly #outer = new AsyncLocalStorage<pg.PoolClient>();

  /** @param name of its connections */
  constructor(databaseUrl: string, name: string) {
    super();
    this.#pool = new pg.Pool({
      connectionString: databaseUrl,
      max: POOL_SIZE,
      connectionTimeoutMillis: 30_000,
      application_name: name,
      keepAlive: true,
    });
    this.#pool.on('error', (error) => this.#logger.warn(`lost a connection for locks: ${error.message}`));
    // One that breaks while its task runs: what the task does in the store decides by itself.
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
  }

  override run<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    return super.run(key, () => this.#runAlone(key, task));
  }

  /** Ends its connections, once the tasks that have a lock are done. */
  close(): Promise<void> {
    return this.#pool.end();
  }

  async #runAlone<Result>(key: string, task: () => Promise<Result>): Promise<Result> {
    const outer = this.#outer.getStore();
    if (outer !== undefined) {
      await lock(outer, key);
      return task();
    }
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      await client.query('begin');
      await client.query('set local idle_in_transaction_session_timeout = 0');
      await lock(client, key);
      return await this.#outer.run(client, task);
    } finally {
      await client.query('rollback').catch((error: unknown) => {
        failure = error instanceof Error ? error : new Error(String(error));
      });
      client.release(failure);
    }
  }
}

/** Until the end of the transaction. A pooler gives connections away between transactions. */
async function lock(client: pg.PoolClient, key: string): Promise<void> {
  await client.query("select pg_advisory_xact_lock(hashtextextended(current_schema() || ' ' || $1, 1128810834))", [
    key,
  ]);
}
