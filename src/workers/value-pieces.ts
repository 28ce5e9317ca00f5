/**
 * A part of a value out of `JSON.parse` on its way between threads. To take over a whole body at once would stop the thread that takes
 * it for as long as to parse it.
 */
export type Piece =
  /** Members of the list or the object that is open; without one, the value itself. `keys` for an object. */
  | { readonly kind: 'members'; readonly keys: readonly string[] | undefined; readonly values: readonly unknown[] }
  /** Opens a list or an object with more members than fit into one piece. */
  | { readonly kind: 'open'; readonly key: string | undefined; readonly isList: boolean }
  | { readonly kind: 'close' };

/** Most values of a piece: some milliseconds to take over. Texts do not count, they are copied as bytes. */
export const PIECE_VALUES = 20_000;

/** Parts that {@link ValueBuilder} makes the same value of, in this order. */
export function* piecesOf(value: unknown, key?: string): Generator<Piece, void> {
  if (!isContainer(value) || countedValues(value, PIECE_VALUES) < PIECE_VALUES) {
    yield { kind: 'members', keys: key === undefined ? undefined : [key], values: [value] };
    return;
  }
  const isList = Array.isArray(value);
  yield { kind: 'open', key, isList };
  let keys: string[] = [];
  let values: unknown[] = [];
  let size = 0;
  const members = (): Piece => ({ kind: 'members', keys: isList ? undefined : keys, values });
  for (const [name, member] of isList ? value.entries() : Object.entries(value)) {
    const weight = countedValues(member, PIECE_VALUES);
    if (size + weight > PIECE_VALUES && values.length > 0) {
      yield members();
      [keys, values, size] = [[], [], 0];
    }
    if (weight >= PIECE_VALUES) {
      yield* piecesOf(member, isList ? undefined : String(name));
    } else {
      if (!isList) keys.push(String(name));
      values.push(member);
      size += weight;
    }
  }
  yield members();
  yield { kind: 'close' };
}

/** How many values there are in a value, itself included; a lower number than there are when they are more than `limit`. */
export function countedValues(value: unknown, limit: number): number {
  let count = 1;
  if (!isContainer(value)) return count;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (count >= limit) return count;
    count += countedValues(member, limit - count);
  }
  return count;
}

/** What a property is that JSON.parse makes. Assigned, `__proto__` would become the object's prototype. */
const PLAIN_PROPERTY = { writable: true, enumerable: true, configurable: true };

/** Puts a value together again. */
export class ValueBuilder {
  readonly #open: object[] = [];
  #value: unknown;

  /** The value, once all of its parts have been added. */
  get value(): unknown {
    return this.#value;
  }

  add(piece: Piece): void {
    switch (piece.kind) {
      case 'open': {
        const container = piece.isList ? [] : {};
        this.put(piece.key, container);
        this.#open.push(container);
        return;
      }
      case 'members':
        for (const [index, value] of piece.values.entries()) this.put(piece.keys?.[index], value);
        return;
      case 'close':
        this.#open.pop();
        return;
      default:
        piece satisfies never;
    }
  }

  private put(key: string | undefined, value: unknown): void {
    const container = this.#open.at(-1);
    if (container === undefined) this.#value = value;
    else if (Array.isArray(container)) container.push(value);
    else if (key === '__proto__') Object.defineProperty(container, key, { value, ...PLAIN_PROPERTY });
    else if (key !== undefined) Reflect.set(container, key, value);
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
