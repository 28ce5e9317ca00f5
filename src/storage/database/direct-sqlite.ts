import type { Kysely } from 'kysely';
import type { NodeSqliteDatabase } from './sqlite.js';
import type { Tables } from './tables.js';
import type { YieldAfterSlow } from './yield-after-slow.js';

/** Runs statements on SQLite's only connection at once, without Kysely's way to it, which takes longer than most statements. */
export class DirectSqlite {
  constructor(
    private readonly database: NodeSqliteDatabase,
    private readonly slow: YieldAfterSlow,
  ) {}

  /** Whether a transaction is open. */
  get isInTransaction(): boolean {
    return this.database.isInTransaction;
  }

  /** Runs a statement and returns its rows; none of one that returns none. Rejects with SQLite's error. */
  async execute<Row>(sql: string, parameters: readonly unknown[]): Promise<readonly Row[]> {
    const rows = this.database.execute(sql, parameters) as readonly Row[];
    if (this.slow.isDue) await this.slow.pause();
    return rows;
  }
}

/** By the adapter, which a Kysely and its transactions have in common. */
const DIRECT = new WeakMap<object, DirectSqlite>();

/** Lets prepared queries of this Kysely, and of its transactions, run directly. Returns it. */
export function runDirectly(kysely: Kysely<Tables>, database: NodeSqliteDatabase, slow: YieldAfterSlow): typeof kysely {
  DIRECT.set(kysely.getExecutor().adapter, new DirectSqlite(database, slow));
  return kysely;
}

/**
 * Where a statement of this Kysely or transaction may run at once. `undefined` when it has to go through Kysely: the store is not SQLite, or the
 * statement has to wait for the end of a transaction that is not its own.
 */
export function findDirect(kysely: Kysely<Tables>): DirectSqlite | undefined {
  const direct = DIRECT.get(kysely.getExecutor().adapter);
  // A transaction has the connection from its begin to its end.
  return direct !== undefined && (kysely.isTransaction || !direct.isInTransaction) ? direct : undefined;
}
