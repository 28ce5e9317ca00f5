/**
 * A part of a value from `JSON.parse`, to be sent between threads. Receiving a large body at once would block the receiving thread for
 * as long as parsing it.
 */
export type Piece =
  /** Members of the open list or object; the value itself when none is open. Objects have `keys`. */
  | { readonly kind: 'members'; readonly keys: readonly string[] | undefined; readonly values: readonly unknown[] }
  /** Opens a list or object that does not fit into one piece. */
  | { readonly kind: 'open'; readonly key: string | undefined; readonly isList: boolean }
  | { readonly kind: 'close' };

/** Most values of a piece: it takes a millisecond or two to receive, and several requests may receive one in the same turn of the event loop. */
export const PIECE_VALUES = 4_000;

/** How many characters of a text count as one value: copying them takes as long. */
const VALUE_CHARS = 64;

/** Splits a value into pieces, from which {@link ValueBuilder} rebuilds it. */
export function* serializeInPieces(value: unknown): Generator<Piece, void> {
  const large = new Map<object, number>();
  weigh(value, large);
  yield* split(value, undefined, large);
}

/**
 * Counts the values in a value, including itself; a long text counts as several. Caches the counts of those that do not fit into one piece
 * in `large`, so that they are not counted again for each level above.
 */
function weigh(value: unknown, large: Map<object, number>): number {
  if (typeof value === 'string') return 1 + Math.floor(value.length / VALUE_CHARS);
  if (!isContainer(value)) return 1;
  const cached = large.get(value);
  if (cached !== undefined) return cached;
  let weight = 1;
  for (const member of Array.isArray(value) ? value : Object.values(value)) weight += weigh(member, large);
  if (weight >= PIECE_VALUES) large.set(value, weight);
  return weight;
}

function* split(value: unknown, key: string | undefined, large: Map<object, number>): Generator<Piece, void> {
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
      yield* split(member, isList ? undefined : String(name), large);
    } else {
      if (!isList) keys.push(String(name));
      values.push(member);
      size += weight;
    }
  }
  yield members();
  yield { kind: 'close' };
}

/** Counts the values in a value, including itself, and stops at `limit`. */
export function countValues(value: unknown, limit: number): number {
  let count = 1;
  if (!isContainer(value)) return count;
  for (const member of Array.isArray(value) ? value : Object.values(value)) {
    if (count >= limit) return count;
    count += countValues(member, limit - count);
  }
  return count;
}

/** Attributes of properties from JSON.parse. Assigning `__proto__` would set the prototype instead. */
const PLAIN_PROPERTY = { writable: true, enumerable: true, configurable: true };

/** Rebuilds a value from its pieces. */
export class ValueBuilder {
  readonly #open: object[] = [];
  #value: unknown;

  /** The value, once all pieces have been added. */
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
