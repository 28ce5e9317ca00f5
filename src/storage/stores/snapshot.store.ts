import { Inject, Injectable } from '@nestjs/common';
import { Database } from '../database/database.js';

/** Which snapshot has a thread's files. */
export interface CurrentSnapshot {
  /** `undefined` until the first one is made. */
  readonly snapshot: string | undefined;
  /** How often the thread has been given to another server. */
  readonly generation: number;
}

/** The snapshots of threads' files, as the threads' rows name them. Every method rejects when the store cannot be reached. */
@Injectable()
export class SnapshotStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** `undefined` if there is no such thread. */
  async current(threadId: string): Promise<CurrentSnapshot | undefined> {
    const row = await this.database.kysely
      .selectFrom('threads')
      .select(['snapshot', 'generation'])
      .where('id', '=', threadId)
      .executeTakeFirst();
    return row === undefined ? undefined : { snapshot: row.snapshot ?? undefined, generation: row.generation };
  }

  /**
   * Makes a snapshot the thread's current one. False, and nothing changed, if another one than `previous` is current, if the thread has been
   * given to another server since `generation`, or if it is gone.
   */
  async set(threadId: string, previous: string | undefined, next: string, generation: number): Promise<boolean> {
    const result = await this.database.kysely
      .updateTable('threads')
      .set({ snapshot: next })
      .where('id', '=', threadId)
      .where('generation', '=', generation)
      .where('snapshot', previous === undefined ? 'is' : '=', previous ?? null)
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }
}
