import type { Compilable, CompiledQuery, Kysely } from 'kysely';
import type { Tables } from './tables.js';

/** Stands for a value while the query is built. */
class Slot {
  constructor(readonly name: string) {}
}

/**
 * A query that is built and compiled once for each store, for those that run in every turn: Kysely takes longer to build and compile them than SQLite
 * to run them.
 *
 * `build` gets placeholders for the values, so it must not look at them, and each run must have the same ones.
 */
export class PreparedQuery<Values extends object, Row> {
  readonly #compiled = new WeakMap<object, CompiledQuery<Row>>();

  constructor(private readonly build: (kysely: Kysely<Tables>, values: Values) => Compilable<Row>) {}

  /** Runs the query, in a transaction if `kysely` is one, and returns its rows; none of one that returns none. */
  async run(kysely: Kysely<Tables>, values: Values): Promise<readonly Row[]> {
    const { adapter } = kysely.getExecutor();
    let compiled = this.#compiled.get(adapter);
    if (compiled === undefined) {
      compiled = this.build(kysely, toSlots(values)).compile();
      this.#compiled.set(adapter, compiled);
    }
    const named = new Map<string, unknown>(Object.entries(values));
    const parameters = compiled.parameters.map((value) => (value instanceof Slot ? named.get(value.name) : value));
    return (await kysely.executeQuery<Row>({ ...compiled, parameters })).rows;
  }
}

/** Placeholders of the type of the values: Kysely passes on what is no expression of its own as it is. */
function toSlots<Values extends object>(values: Values): Values {
  return Object.fromEntries(Object.keys(values).map((name) => [name, new Slot(name)])) as Values;
}
