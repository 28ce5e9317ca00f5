import { ObjectMissingError, type ObjectStore } from '../snapshots/objects/object-store.js';
import { type FileBytes, FileBytesMissingError } from './file-bytes.js';

/** Keeps the bytes of files in the bucket that has the snapshots of threads. */
export class BucketBytes implements FileBytes {
  constructor(private readonly objects: ObjectStore) {}

  put(id: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    return this.objects.put(toKey(id), body);
  }

  async get(id: string): Promise<AsyncIterable<Uint8Array>> {
    try {
      return await this.objects.get(toKey(id));
    } catch (error) {
      throw error instanceof ObjectMissingError ? new FileBytesMissingError(id) : error;
    }
  }

  remove(id: string): Promise<void> {
    return this.objects.remove(toKey(id));
  }
}

function toKey(id: string): string {
  return `files/${id}`;
}
