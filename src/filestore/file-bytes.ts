/** Keeps the bytes of files, by the ids of the files. */
export interface FileBytes {
  /** Keeps a file of any length, which no other has the id of. If the body rejects, a part may be left, which {@link remove} removes. */
  put(id: string, body: AsyncIterable<Uint8Array>): Promise<void>;
  /**
   * Reads a file from its beginning; leaving the loop ends the reading.
   *
   * @throws FileBytesMissingError
   */
  get(id: string): Promise<AsyncIterable<Uint8Array>>;
  /** Removes a file, or what is there of it; one that is not there is no error. */
  remove(id: string): Promise<void>;
}

/** The bytes of a file are not where they should be, as after a restore of the database alone. */
export class FileBytesMissingError extends Error {
  constructor(readonly id: string) {
    super(`the bytes of ${id} are not there`);
    this.name = 'FileBytesMissingError';
  }
}
