import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqliteDatabase, SqliteStatement } from 'kysely';
import { DUE_FRAMES, WalCheckpoints } from './wal-checkpoints.js';

/** Size of the cache of prepared statements; the store has far fewer, except for lists of varying length. */
const MAX_CACHED_STATEMENTS = 256;

/** How long a statement waits for another process that is writing. */
const BUSY_TIMEOUT_MS = 5_000;

function isBindable(value: unknown): value is SQLInputValue {
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Uint8Array
  );
}

function toBindable(values: readonly unknown[]): SQLInputValue[] {
  return values.map((value) => {
    if (!isBindable(value)) throw new TypeError(`SQLite cannot bind a value of type ${typeof value}`);
    return value;
  });
}

function countChars(values: readonly unknown[]): number {
  let chars = 0;
  for (const value of values) if (typeof value === 'string') chars += value.length;
  return chars;
}

class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean;

  constructor(
    private readonly statement: StatementSync,
    private readonly timed: <Result>(work: () => Result, parameters: readonly unknown[]) => Result,
  ) {
    this.reader = statement.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.timed(() => this.statement.all(...toBindable(parameters)), parameters);
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.timed(() => this.statement.run(...toBindable(parameters)), parameters);
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.statement.iterate(...toBindable(parameters));
  }
}

/**
 * Adapts Node's own SQLite to the interface of Kysely's `SqliteDialect`, which expects better-sqlite3 (Kysely 0.29 has no dialect
 * for `node:sqlite`). Statements are prepared once and reused.
 */
export class NodeSqliteDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, NodeSqliteStatement>();
  readonly #checkpoints: WalCheckpoints;
  /** Duration of the last statement. */
  lastStatementMs = 0;

  /** Opens or creates the file. Throws when it cannot be opened or is not a database. */
  constructor(file: string) {
    this.#database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: BUSY_TIMEOUT_MS });
    try {
      this.#database.exec('pragma journal_mode = wal');
      // A power cut may lose the last commits but never corrupts the file; a killed process loses nothing.
      this.#database.exec('pragma synchronous = normal');
      // Only where `WalCheckpoints` comes too late.
      this.#database.exec(`pragma wal_autocheckpoint = ${2 * DUE_FRAMES}`);
      this.#database.exec('pragma cache_size = -16000');
    } catch (error) {
      this.#database.close();
      throw error;
    }
    const database = this.#database;
    const [count, checkpoint] = ['noop', 'passive'].map((mode) => database.prepare(`pragma wal_checkpoint(${mode})`));
    this.#checkpoints = new WalCheckpoints(`${file}-wal`, {
      get isOpen() {
        return database.isOpen;
      },
      get isTransaction() {
        return database.isTransaction;
      },
      countFrames: () => {
        const { log, checkpointed } = count?.get() ?? {};
        return Number(log) - Number(checkpointed);
      },
      checkpoint: () => checkpoint?.get(),
    });
  }

  /** Whether a transaction is open. */
  get isInTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** Runs a statement and returns its rows; none of one that returns none. Throws SQLite's error. */
  execute(sql: string, parameters: readonly unknown[]): unknown[] {
    const statement = this.prepare(sql);
    if (statement.reader) return statement.all(parameters);
    statement.run(parameters);
    return [];
  }

  prepare(sql: string): NodeSqliteStatement {
    // All our transactions write. Taking the write lock at the start waits for another process; upgrading later fails at once
    // when that process has written in between.
    const text = sql === 'begin' ? 'begin immediate' : sql;
    const cached = this.#statements.get(text);
    if (cached !== undefined) {
      this.#statements.delete(text);
      this.#statements.set(text, cached);
      return cached;
    }
    const statement = new NodeSqliteStatement(this.#database.prepare(text), this.#timed);
    this.#statements.set(text, statement);
    if (this.#statements.size > MAX_CACHED_STATEMENTS) {
      const oldest = this.#statements.keys().next();
      if (oldest.done !== true) this.#statements.delete(oldest.value);
    }
    return statement;
  }

  readonly #timed = <Result>(work: () => Result, parameters: readonly unknown[]): Result => {
    const startedMs = performance.now();
    try {
      return work();
    } finally {
      this.lastStatementMs = performance.now() - startedMs;
      this.#checkpoints.noteStatement(countChars(parameters));
    }
  };

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}
