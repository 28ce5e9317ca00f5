import { once } from 'node:events';
import { createZstdCompress, type ZstdCompress } from 'node:zlib';

/** Stores a body of any length under a name that was agreed on. */
type Put = (body: AsyncIterable<Uint8Array>) => Promise<void>;

/** Sends pieces of files as one compressed object, while they are read. Only starts if there are any. */
export class PackUpload {
  #stream: ZstdCompress | undefined;
  #stored: Promise<void> | undefined;
  #sentBytes = 0;

  constructor(private readonly put: Put) {}

  /** Bytes that were sent so far, compressed. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Adds a piece. Waits while the store is slower than the disk, so that little is held in memory. */
  async write(bytes: Uint8Array): Promise<void> {
    const stream = (this.#stream ??= this.#start());
    if (stream.write(bytes)) return;
    // A store that fails reads no further.
    await Promise.race([once(stream, 'drain'), this.#stored]);
  }

  /** Resolves once all pieces are stored. */
  async end(): Promise<void> {
    this.#stream?.end();
    await this.#stored;
  }

  /** Breaks the upload off. Resolves when nothing of it goes on. */
  async abort(): Promise<void> {
    this.#stream?.destroy(new Error('the snapshot was broken off'));
    await this.#stored?.catch(() => undefined);
  }

  #start(): ZstdCompress {
    const stream = createZstdCompress();
    // Its reader gets the error, too.
    stream.on('error', () => undefined);
    this.#stored = this.put(this.#counted(stream));
    // Those who wait for it get its rejection later.
    this.#stored.catch(() => undefined);
    return stream;
  }

  async *#counted(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const bytes of stream) {
      this.#sentBytes += bytes.length;
      yield bytes;
    }
  }
}
