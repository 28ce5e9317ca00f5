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
export function* serializeInPieces(value: unknown): Generator<Piece, void> {
  const large = new Map<object, number>();
  weigh(value, large);
  yield* parted(value, undefined, large);
}

/**
 * How many values there are in a value, itself included. Those with more than fit into one piece are noted in `large`, so that no value
 * is counted once for each level above it.
 */
function weigh(value: unknown, large: Map<object, number>): number {
  if (!isContainer(value)) return 1;
  const known = large.get(value);
  if (known !== undefined) return known;
  let weight = 1;
  for (const member of Array.isArray(value) ? value : Object.values(value)) weight += weigh(member, large);
  if (weight >= PIECE_VALUES) large.set(value, weight);
  return weight;
}

function* parted(value: unknown, key: string | undefined, large: Map<object, number>): Generator<Piece, void> {
  if (!isContainer(value) || !large.has(value)) {
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
    const weight = weigh(member, large);
    if (size + weight > PIECE_VALUES && values.length > 0) {
      yield members();
      [keys, values, size] = [[], [], 0];
    }
    if (weight >= PIECE_VALUES) {
      yield* parted(member, isList ? undefined : String(name), large);
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
