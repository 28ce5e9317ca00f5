import type { FileChunkStore } from '../storage/stores/file-chunk.store.js';
import { type FileBytes, FileBytesMissingError } from './file-bytes.js';

/** Bytes of a row. One row of a file is in memory at a time. */
const CHUNK_BYTES = 512 * 1024;

/** Keeps the bytes of files in the database, as servers of one database need not have anything else in common. */
export class DatabaseBytes implements FileBytes {
  constructor(private readonly chunks: FileChunkStore) {}

  async put(id: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    let number = 0;
    for await (const bytes of inChunks(body, CHUNK_BYTES)) {
      await this.chunks.add(id, number, bytes);
      number += 1;
    }
    // An empty file has a row, too: otherwise it could not be told from one whose bytes are gone.
    if (number === 0) await this.chunks.add(id, 0, Buffer.alloc(0));
  }

  async get(id: string): Promise<AsyncIterable<Uint8Array>> {
    const first = await this.chunks.read(id, 0);
    if (first === undefined) throw new FileBytesMissingError(id);
    return this.#readFrom(id, first);
  }

  remove(id: string): Promise<void> {
    return this.chunks.remove(id);
  }

  async *#readFrom(id: string, first: Uint8Array): AsyncGenerator<Uint8Array> {
    let bytes: Uint8Array | undefined = first;
    for (let number = 1; bytes !== undefined; number += 1) {
      yield bytes;
      // The last row is mostly shorter.
      bytes = bytes.length < CHUNK_BYTES ? undefined : await this.chunks.read(id, number);
    }
  }
}

/** Cuts or joins bytes to pieces of one size; the last one may be shorter. */
export async function* inChunks(body: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let parts: Uint8Array[] = [];
  let length = 0;
  for await (let bytes of body) {
    while (length + bytes.length >= size) {
      const room = size - length;
      yield Buffer.concat([...parts, bytes.subarray(0, room)], size);
      bytes = bytes.subarray(room);
      parts = [];
      length = 0;
    }
    if (bytes.length === 0) continue;
    parts.push(bytes);
    length += bytes.length;
  }
  if (length > 0) yield Buffer.concat(parts, length);
}
