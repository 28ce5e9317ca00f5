import { Logger } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { JsonObject } from '../../domain/harness-event.js';
import { asString, parseObject } from '../../domain/json.js';
import { Database, describeError } from '../../storage/database/database.js';
import { sql } from 'kysely';
import { ThreadSignals } from './thread-signals.js';

const CHANNEL = 'chiron_threads';
const RECONNECT_MS = 1000;

/**
 * Signals of all servers by `NOTIFY`: two for each turn of a thread at most, as each one makes commits wait for each other. What is sent
 * while a server has no connection is missing there.
 */
export class PostgresThreadSignals extends ThreadSignals {
  readonly #logger = new Logger('ThreadSignals');
  readonly #closed = new AbortController();
  #client: pg.Client | undefined;
  #loop: Promise<void> | undefined;

  constructor(
    private readonly databaseUrl: string,
    private readonly database: Database,
    private readonly nodeId: string,
  ) {
    super();
  }

  /** Listens from now on. */
  listen(): void {
    this.#loop ??= this.#listenForever();
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await this.#client?.end().catch(() => undefined);
    await this.#loop;
  }

  override submitted(threadId: string): void {
    super.submitted(threadId);
    this.#notify({ submitted: threadId });
  }

  override removed(threadId: string): void {
    super.removed(threadId);
    this.#notify({ removed: threadId });
  }

  #notify(signal: JsonObject): void {
    const text = JSON.stringify({ ...signal, by: this.nodeId });
    sql`select pg_notify(${CHANNEL}, ${text})`.execute(this.database.kysely).catch((error: unknown) => {
      this.#logger.warn(`could not tell the other servers of a thread: ${describeError(error)}`);
    });
  }

  async #listenForever(): Promise<void> {
    const { signal } = this.#closed;
    let hasFailed = false;
    while (!signal.aborted) {
      try {
        await this.#listenOnce();
        hasFailed = false;
      } catch (error) {
        if (!hasFailed && !signal.aborted)
          this.#logger.warn(`cannot listen to the other servers: ${describeError(error)}`);
        hasFailed = true;
      }
      await delay(RECONNECT_MS, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  /** Resolves when the connection has ended. */
  async #listenOnce(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.databaseUrl,
      application_name: 'chiron signals',
      connectionTimeoutMillis: 10_000,
      keepAlive: true,
    });
    this.#client = client;
    const ended = new Promise<void>((resolve) => {
      client.once('end', resolve);
      client.on('error', () => resolve());
    });
    await client.connect();
    client.on('notification', ({ payload = '' }) => this.#receive(payload));
    await client.query(`listen ${CHANNEL}`);
    if (this.#closed.signal.aborted) await client.end();
    await ended;
  }

  #receive(payload: string): void {
    const { submitted, removed, by } = parseObject(payload) ?? {};
    if (by === this.nodeId) return;
    const [started, gone] = [asString(submitted), asString(removed)];
    if (started !== undefined) super.submitted(started);
    if (gone !== undefined) super.removed(gone);
  }
}
