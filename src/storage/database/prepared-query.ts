import { type Compilable, type CompiledQuery, type Expression, type Kysely, sql } from 'kysely';
import { findDirect } from './direct-sqlite.js';
import type { Tables } from './tables.js';

/** Stands for a value while the query is built. */
class Slot {
  constructor(readonly name: string) {}
}

/** A query as a database compiles it, and the values of its parameters in their order: names of values, or constants. */
interface Compiled<Row> {
  readonly query: CompiledQuery<Row>;
  readonly parameters: readonly unknown[];
}

/**
 * A query that is built and compiled once for each store, for those that run in every turn: Kysely takes longer to build and compile them than SQLite
 * to run them. With SQLite they also run without Kysely, see {@link findDirect}.
 *
 * `build` gets placeholders for the values, so it must not look at them, and each run must have the same ones.
 */
export class PreparedQuery<Values extends object, Row> {
  readonly #compiled = new WeakMap<object, Compiled<Row>>();

  constructor(private readonly build: (kysely: Kysely<Tables>, values: Values) => Compilable<Row>) {}

  /** Runs the query, in a transaction if `kysely` is one, and returns its rows; none of one that returns none. */
  async run(kysely: Kysely<Tables>, values: Values): Promise<readonly Row[]> {
    const { adapter } = kysely.getExecutor();
    let compiled = this.#compiled.get(adapter);
    if (compiled === undefined) {
      const query = this.build(kysely, toSlots(values)).compile();
      compiled = { query, parameters: query.parameters };
      this.#compiled.set(adapter, compiled);
    }
    const parameters = compiled.parameters.map((value): unknown =>
      value instanceof Slot ? Reflect.get(values, value.name) : value,
    );
    const direct = findDirect(kysely);
    if (direct === undefined) return (await kysely.executeQuery<Row>({ ...compiled.query, parameters })).rows;
    return direct.execute<Row>(compiled.query.sql, parameters);
  }
}

/**
 * The value of a prepared query as its limit. Given by itself, SQLite would look at it and compile the statement again for each run
 * (`sqlite3ExprIsInteger` in its `expr.c`), which takes several times as long as the statement. So does a value that is compared to the condition of a
 * partial index: write that with `sql.lit`.
 */
export function limitOf(count: number): Expression<number> {
  return sql<number>`${count} + 0`;
}

/** Placeholders of the type of the values: Kysely passes on what is no expression of its own as it is. */
function toSlots<Values extends object>(values: Values): Values {
  return Object.fromEntries(Object.keys(values).map((name) => [name, new Slot(name)])) as Values;
}
