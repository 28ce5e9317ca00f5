import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { sql, type Transaction } from 'kysely';
import { Database, type NodeIdentity, STORE_NOW } from '../database/database.js';
import type { NodeTable, Tables } from '../database/tables.js';
import { parseEnum, parseStored } from './turn.js';

/** What a server does for the others. */
export type NodeRole = 'all' | 'gateway' | 'worker';

/** `draining`: takes no new turns; `stopped`: ended in order, and its threads wait for it; `lost`: given up by the others. */
export type NodeState = 'up' | 'draining' | 'stopped' | 'lost';

/** How busy a server was at its last heartbeat. */
export interface NodeLoad {
  /** Turns that run. */
  readonly running: number;
  /** Turns that wait. */
  readonly pending: number;
  /** How many may run at once. */
  readonly slots: number;
  readonly isDiskLow: boolean;
  /** Processes of agents that wait for new threads; absent from a server of an older version. */
  readonly spares?: number;
}

/** A server of this store, as the others see it. */
export interface Node {
  readonly id: string;
  readonly incarnation: string;
  readonly name: string;
  readonly role: NodeRole;
  readonly url: string;
  readonly state: NodeState;
  readonly load: NodeLoad;
  /** Since its last heartbeat, by PostgreSQL's clock. */
  readonly silentMs: number;
}

/** A server with its times, in milliseconds since the epoch. */
export interface NodeWithTimes extends Node {
  readonly startedAt: number;
  /** Its last heartbeat; of one that was stopped in order, its end. */
  readonly seenAt: number;
}

/** A server that begins. */
export type NewNode = NodeIdentity & Pick<Node, 'name' | 'role' | 'url' | 'load'>;

const ROLES: readonly NodeRole[] = ['all', 'gateway', 'worker'];
const STATES: readonly NodeState[] = ['up', 'draining', 'stopped', 'lost'];

/** The servers of one PostgreSQL store. Times are PostgreSQL's. Every method rejects when the store cannot be reached. */
@Injectable()
export class NodeStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Stores a server that begins, in place of its earlier start. */
  async register({ id, incarnation, name, role, url, load }: NewNode): Promise<void> {
    const row = { incarnation, name, role, url, state: 'up', load: JSON.stringify(load) };
    const times = { started_at: STORE_NOW, seen_at: STORE_NOW };
    await this.database.kysely
      .insertInto('nodes')
      .values({ id, ...row, ...times })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ ...row, ...times }))
      .execute();
  }

  /** Records a heartbeat, and sets the store's clock by it. False when the others have given this server up. */
  async beat({ id, incarnation }: NodeIdentity, state: 'up' | 'draining', load: NodeLoad): Promise<boolean> {
    const row = await this.database.kysely
      .updateTable('nodes')
      .set({ seen_at: STORE_NOW, state, load: JSON.stringify(load) })
      .where('id', '=', id)
      .where('incarnation', '=', incarnation)
      .where('state', '!=', 'lost')
      .returning('seen_at')
      .executeTakeFirst();
    if (row !== undefined) this.database.clock.follow(row.seen_at);
    return row !== undefined;
  }

  /** Records that a server has stopped in order. */
  async stop({ id, incarnation }: NodeIdentity): Promise<void> {
    await this.database.kysely
      .updateTable('nodes')
      .set({ state: 'stopped', seen_at: STORE_NOW })
      .where('id', '=', id)
      .where('incarnation', '=', incarnation)
      .where('state', '!=', 'lost')
      .execute();
  }

  /** Whether a server has not been given up; read now. */
  async isKept(id: string): Promise<boolean> {
    const query = this.database.kysely
      .selectFrom('nodes')
      .select('id')
      .where('id', '=', id)
      .where('state', '!=', 'lost');
    return (await query.executeTakeFirst()) !== undefined;
  }

  /** All servers that the store knows. */
  async list(): Promise<readonly NodeWithTimes[]> {
    const rows = await this.database.kysely
      .selectFrom('nodes')
      .selectAll()
      .select(sql<number>`${STORE_NOW} - seen_at`.as('silent_ms'))
      .execute();
    return rows.map(toNode);
  }

  /**
   * Gives up the servers other than `self` that have been silent for longer than this: from then on their writes are refused. Waits for
   * those that they are just making. `onLost` runs in the same transaction if there are any.
   */
  loseSilent(
    self: string,
    silentMs: number,
    onLost: (transaction: Transaction<Tables>) => Promise<void>,
  ): Promise<readonly string[]> {
    return this.database.transaction(async (transaction) => {
      const rows = await transaction
        .updateTable('nodes')
        .set({ state: 'lost' })
        .where('id', '!=', self)
        .where('state', '!=', 'lost')
        .where('seen_at', '<', sql<number>`${STORE_NOW} - ${silentMs}::bigint`)
        .returning('id')
        .execute();
      const ids = rows.map(({ id }) => id);
      if (ids.length > 0) await onLost(transaction);
      return ids;
    });
  }

  /** Ends the connections that hold locks of lost servers: one that is suspended would keep its threads locked. */
  async endLocks(ids: readonly string[]): Promise<void> {
    const names = ids.map(toLockName);
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and usename = current_user and application_name = any(${names}::text[])
    `.execute(this.database.kysely);
  }

  /** The secret of this name that all servers of the store share; made by the first one that asks. */
  async sharedSecret(name: string): Promise<string> {
    await this.database.kysely
      .insertInto('cluster_secrets')
      .values({ name, secret: randomBytes(32).toString('hex') })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const query = this.database.kysely.selectFrom('cluster_secrets').select('secret').where('name', '=', name);
    return (await query.executeTakeFirstOrThrow()).secret;
  }
}

/** The name of a server's connections for locks; see {@link NodeStore.endLocks}. */
export function toLockName(nodeId: string): string {
  return `chiron lock ${nodeId}`.slice(0, 63);
}

function toNode(row: NodeTable & { readonly silent_ms: number }): NodeWithTimes {
  return {
    id: row.id,
    incarnation: row.incarnation,
    name: row.name,
    role: parseEnum(ROLES, row.role, 'node role'),
    url: row.url,
    state: parseEnum(STATES, row.state, 'node state'),
    load: parseStored<NodeLoad>(row.load),
    silentMs: row.silent_ms,
    startedAt: row.started_at,
    seenAt: row.seen_at,
  };
}
