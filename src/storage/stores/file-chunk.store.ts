import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** The bytes of files in the database, for servers that have nothing else in common. Every method rejects when the store cannot be reached. */
@Injectable()
export class FileChunkStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Adds a chunk of a file. */
  async add(fileId: string, number: number, bytes: Uint8Array): Promise<void> {
    await this.database.kysely.insertInto('file_chunks').values({ file_id: fileId, number, bytes }).execute();
  }

  /** A chunk of a file; `undefined` after the last one. */
  async read(fileId: string, number: number): Promise<Uint8Array | undefined> {
    const query = this.database.kysely.selectFrom('file_chunks').select('bytes').where('file_id', '=', fileId);
    return (await query.where('number', '=', number).executeTakeFirst())?.bytes;
  }

  /** Removes all chunks of a file. */
  async remove(fileId: string): Promise<void> {
    await this.database.kysely.deleteFrom('file_chunks').where('file_id', '=', fileId).execute();
  }
}
