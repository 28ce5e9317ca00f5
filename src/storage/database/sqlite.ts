import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { SqliteDatabase, SqliteStatement } from 'kysely';

/** Statements kept ready; the store has far fewer different ones, save for lists of changing length. */
const STATEMENTS_KEPT = 256;

/** How long a statement waits for another process that is writing, in milliseconds. */
const BUSY_MS = 5_000;

function isBindable(value: unknown): value is SQLInputValue {
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Uint8Array
  );
}

function bindable(values: readonly unknown[]): SQLInputValue[] {
  return values.map((value) => {
    if (!isBindable(value)) throw new TypeError(`SQLite cannot bind a value of type ${typeof value}`);
    return value;
  });
}

class NodeSqliteStatement implements SqliteStatement {
  readonly reader: boolean;

  constructor(
    private readonly statement: StatementSync,
    private readonly timed: <Result>(work: () => Result) => Result,
  ) {
    this.reader = statement.columns().length > 0;
  }

  all(parameters: readonly unknown[]): unknown[] {
    return this.timed(() => this.statement.all(...bindable(parameters)));
  }

  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.timed(() => this.statement.run(...bindable(parameters)));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.statement.iterate(...bindable(parameters));
  }
}

/**
 * Node's own SQLite behind the interface that Kysely's `SqliteDialect` wants (it is made for better-sqlite3; Kysely 0.29 has
 * no dialect for `node:sqlite`). Statements are prepared once and reused.
 */
export class NodeSqliteDatabase implements SqliteDatabase {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, NodeSqliteStatement>();
  /** How long the last statement took, in milliseconds. */
  took = 0;

  /** Opens the file, or makes it. Throws when it cannot be opened or is no database. */
  constructor(file: string) {
    this.#database = new DatabaseSync(file, { enableForeignKeyConstraints: true, timeout: BUSY_MS });
    try {
      this.#database.exec('pragma journal_mode = wal');
      // A power cut may lose the last commits but never breaks the file; a killed process loses nothing.
      this.#database.exec('pragma synchronous = normal');
      // Pages that running turns share are written again and again: copy them out of the WAL every 16 MiB only.
      this.#database.exec('pragma wal_autocheckpoint = 4000');
      this.#database.exec('pragma cache_size = -16000');
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  prepare(sql: string): SqliteStatement {
    // Every transaction of ours writes. Taking the lock at its start waits for another process; taking it in the middle
    // fails at once, without waiting, when that process wrote in between.
    const text = sql === 'begin' ? 'begin immediate' : sql;
    const known = this.#statements.get(text);
    if (known !== undefined) {
      this.#statements.delete(text);
      this.#statements.set(text, known);
      return known;
    }
    const statement = new NodeSqliteStatement(this.#database.prepare(text), this.#timed);
    this.#statements.set(text, statement);
    if (this.#statements.size > STATEMENTS_KEPT) {
      const oldest = this.#statements.keys().next();
      if (oldest.done !== true) this.#statements.delete(oldest.value);
    }
    return statement;
  }

  readonly #timed = <Result>(work: () => Result): Result => {
    const begun = performance.now();
    try {
      return work();
    } finally {
      this.took = performance.now() - begun;
    }
  };

  close(): void {
    this.#statements.clear();
    this.#database.close();
  }
}
