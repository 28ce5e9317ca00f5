import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type FileBytes, FileBytesMissingError } from './file-bytes.js';

/** Keeps the bytes of files in a folder that only the server can read. */
export class FolderBytes implements FileBytes {
  /** @param folder absolute path; made when it is needed */
  constructor(private readonly folder: string) {}

  async put(id: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const draft = this.#draft(id);
    const file = await open(draft, 'wx', 0o600);
    try {
      for await (const bytes of body) await writeAll(file, bytes);
      // Its row says next that all of it is here.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.#path(id));
  }

  async get(id: string): Promise<AsyncIterable<Uint8Array>> {
    const path = this.#path(id);
    await stat(path).catch((error: unknown) => {
      throw isMissing(error) ? new FileBytesMissingError(id) : error;
    });
    return createReadStream(path, { highWaterMark: 256 * 1024 });
  }

  async remove(id: string): Promise<void> {
    await rm(this.#draft(id), { force: true });
    await rm(this.#path(id), { force: true });
  }

  #path(id: string): string {
    return join(this.folder, id);
  }

  #draft(id: string): string {
    return `${this.#path(id)}.part`;
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done);
    done += bytesWritten;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
