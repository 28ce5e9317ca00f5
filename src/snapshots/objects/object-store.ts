/** An object of a store. */
export interface StoredObject {
  readonly key: string;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly modifiedMs: number;
}

/** A store of named objects that are written whole, such as S3. */
export interface ObjectStore {
  /** Rejects if the store cannot be reached or refuses. */
  check(): Promise<void>;
  /** Stores an object of any length. Nothing is stored if the body rejects. */
  put(key: string, body: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Reads an object from its beginning; leaving the loop ends the transfer.
   *
   * @throws ObjectMissingError
   */
  get(key: string): Promise<AsyncIterable<Uint8Array>>;
  /** All objects whose keys begin so, in the order of their keys. */
  list(prefix: string): AsyncIterable<StoredObject>;
  /** Removes an object; one that is not there is no error. */
  remove(key: string): Promise<void>;
}

/** There is no object of this name. */
export class ObjectMissingError extends Error {
  constructor(readonly key: string) {
    super(`the store has no object ${key}`);
    this.name = 'ObjectMissingError';
  }
}
