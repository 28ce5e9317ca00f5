// Over 250 lines because it holds every statement on files.
import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { type Kysely, type Selectable, sql, type Transaction } from 'kysely';
import { Database } from '../database/database.js';
import type { FileTable, Tables } from '../database/tables.js';
import { parseEnum } from './turn.js';
import { IS_UNFINISHED } from './unfinished-turns.js';

const PLACES = ['folder', 'bucket', 'database'] as const;

/** Where the bytes of a file are. */
export type FilePlace = (typeof PLACES)[number];

/** A file that a caller has uploaded. */
export interface StoredFile {
  readonly id: string;
  readonly tenant: string;
  readonly name: string;
  readonly mediaType: string;
  /** What an OpenAI client says that it is for. */
  readonly purpose: string | undefined;
  /** Bytes. */
  readonly size: number;
  readonly place: FilePlace;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Milliseconds since the epoch; `undefined` for a file that is kept until it is deleted. */
  readonly expiresAt: number | undefined;
}

/** A file before its bytes. */
export type NewFile = Pick<StoredFile, 'tenant' | 'name' | 'mediaType' | 'place'>;

/** What is known of a file once all of it has come. */
export type CompletedFile = Pick<StoredFile, 'size' | 'purpose' | 'expiresAt'>;

/** Which files of a tenant are listed, in the order of their uploads. */
export interface FileQuery {
  readonly limit: number;
  readonly order: 'newest' | 'oldest';
  /** The page after the file with this id, in the order of the list; the file may be gone. */
  readonly after?: string | undefined;
  /** The page before the file with this id. */
  readonly before?: string | undefined;
  /** Only those with one of these ids. */
  readonly ids?: readonly string[] | undefined;
  readonly purpose?: string | undefined;
}

/** Whether a text has the form of the ids of files. They sort by the time of the upload. */
export function isFileId(text: string): boolean {
  return /^file_[0-9a-f]{32}$/.test(text);
}

/** The files that callers have uploaded, without their bytes. Every method rejects when the store cannot be reached. */
@Injectable()
export class FileStore {
  constructor(@Inject(Database) private readonly database: Database) {}

  /** Notes that a file is being uploaded, before the first of its bytes is kept: what a crash leaves can be found. Resolves to its id. */
  async begin({ tenant, name, mediaType, place }: NewFile): Promise<string> {
    const createdAt = this.database.clock.now();
    const id = `file_${createdAt.toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`;
    const row: FileTable = {
      id,
      tenant,
      name,
      media_type: mediaType,
      purpose: null,
      size: 0,
      place,
      state: 'uploading',
      created_at: createdAt,
      expires_at: null,
    };
    await this.database.kysely.insertInto('files').values(row).execute();
    return id;
  }

  /**
   * Makes an uploaded file one that can be named. `over limit`, and nothing is changed, if all files of its tenant would have more than this many bytes;
   * `gone` if it was given up meanwhile.
   */
  complete(id: string, file: CompletedFile, tenantLimit: number): Promise<StoredFile | 'over limit' | 'gone'> {
    return this.database.transaction(async (transaction) => {
      const row = await lockFiles(transaction, [id], 'uploading');
      const [found] = row;
      if (found === undefined) return 'gone';
      await this.lockFilesOf(transaction, found.tenant);
      if ((await usedBytes(transaction, found.tenant)) + file.size > tenantLimit) return 'over limit';
      const completed = await transaction
        .updateTable('files')
        .set({ state: 'stored', size: file.size, purpose: file.purpose ?? null, expires_at: file.expiresAt ?? null })
        .where('id', '=', id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return toStoredFile(completed);
    });
  }

  /** Bytes of all files of a tenant. */
  usedBytes(tenant: string): Promise<number> {
    return usedBytes(this.database.kysely, tenant);
  }

  /** The files of a tenant with these ids that can be named. */
  async findAll(tenant: string, ids: readonly string[]): Promise<readonly StoredFile[]> {
    const found: StoredFile[] = [];
    for (const some of inBatches(ids)) {
      found.push(...(await this.named(tenant).where('id', 'in', some).execute()).map(toStoredFile));
    }
    return found;
  }

  /** A file by its id, also one that was deleted and that a turn still needs. */
  async findKept(id: string): Promise<StoredFile | undefined> {
    const query = this.database.kysely.selectFrom('files').selectAll().where('id', '=', id);
    const row = await query.where('state', '!=', 'uploading').executeTakeFirst();
    return row === undefined ? undefined : toStoredFile(row);
  }

  /** Lists files of a tenant, in the order of the query. */
  async list(tenant: string, { limit, order, after, before, ids, purpose }: FileQuery): Promise<readonly StoredFile[]> {
    if (ids?.length === 0) return [];
    const isForward = before === undefined;
    const isAscending = (order === 'oldest') === isForward;
    const cursor = before ?? after;
    let query = this.named(tenant)
      .orderBy('id', isAscending ? 'asc' : 'desc')
      .limit(limit);
    if (cursor !== undefined) query = query.where('id', isAscending ? '>' : '<', cursor);
    if (ids !== undefined) query = query.where('id', 'in', ids);
    if (purpose !== undefined) query = query.where('purpose', '=', purpose);
    const found = (await query.execute()).map(toStoredFile);
    return isForward ? found : found.toReversed();
  }

  /** Deletes a file: nobody can name it any more. False when the tenant has none of this id. */
  async delete(tenant: string, id: string): Promise<boolean> {
    const result = await this.database.kysely
      .updateTable('files')
      .set({ state: 'deleted' })
      .where('id', '=', id)
      .where('tenant', '=', tenant)
      .where('state', '=', 'stored')
      .where(isUnexpired(this.database.clock.now()))
      .executeTakeFirst();
    return result.numUpdatedRows > 0n;
  }

  /** Gives up an upload, or what an earlier one has left. */
  async giveUp(id: string): Promise<void> {
    const query = this.database.kysely.updateTable('files').set({ state: 'deleted' }).where('id', '=', id);
    await query.where('state', '=', 'uploading').execute();
  }

  /** Deletes the files that have expired, and gives up uploads that began before this time (milliseconds since the epoch). */
  async deleteStale(uploadsBefore: number): Promise<void> {
    const now = this.database.clock.now();
    await this.database.kysely
      .updateTable('files')
      .set({ state: 'deleted' })
      .where((where) =>
        where.or([
          where.and([where('state', '=', 'stored'), where('expires_at', '<=', now)]),
          where.and([where('state', '=', 'uploading'), where('created_at', '<', uploadsBefore)]),
        ]),
      )
      .execute();
  }

  /** Deleted files that no unfinished turn needs: their bytes can be removed. At most `limit`, by their ids; only that with the id, or those after one, if it is given. */
  async listRemovable(
    limit: number,
    id?: string,
    after?: string,
  ): Promise<readonly Pick<StoredFile, 'id' | 'place'>[]> {
    let query = this.database.kysely
      .selectFrom('files')
      .select(['id', 'place'])
      .where('state', '=', 'deleted')
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom('turn_files')
              .innerJoin('turns', 'turns.id', 'turn_files.turn_id')
              .select('turns.id')
              .whereRef('turn_files.file_id', '=', 'files.id')
              .where(IS_UNFINISHED),
          ),
        ),
      )
      .orderBy('id')
      .limit(limit);
    if (id !== undefined) query = query.where('id', '=', id);
    if (after !== undefined) query = query.where('id', '>', after);
    return (await query.execute()).map((row) => ({ id: row.id, place: parseEnum(PLACES, row.place, 'place') }));
  }

  /** Forgets a deleted file whose bytes are gone. */
  async forget(id: string): Promise<void> {
    const query = this.database.kysely.deleteFrom('files').where('id', '=', id);
    await query.where('state', '=', 'deleted').execute();
  }

  private named(tenant: string) {
    return this.database.kysely
      .selectFrom('files')
      .selectAll()
      .where('tenant', '=', tenant)
      .where('state', '=', 'stored')
      .where(isUnexpired(this.database.clock.now()));
  }

  /** Two uploads that are completed at once must not both get the last room. SQLite has one writer anyway. */
  private async lockFilesOf(transaction: Transaction<Tables>, tenant: string): Promise<void> {
    if (this.database.kind !== 'postgres') return;
    await sql`select pg_advisory_xact_lock(hashtextextended(${`files of ${tenant}`}, 0))`.execute(transaction);
  }
}

/**
 * Notes in the transaction that stores a turn which files it needs: they are kept until it has ended. Resolves to the ids that the tenant does not have
 * (any more).
 */
export async function referToFiles(
  transaction: Transaction<Tables>,
  turnId: string,
  tenant: string,
  ids: readonly string[],
): Promise<readonly string[]> {
  const held = new Set<string>();
  // In one order everywhere: two transactions must not wait for each other.
  for (const some of inBatches(ids.toSorted())) {
    const locked = await lockFiles(transaction, some, 'stored');
    const rows = locked.filter((file) => file.tenant === tenant).map(({ id }) => ({ turn_id: turnId, file_id: id }));
    if (rows.length > 0) await transaction.insertInto('turn_files').values(rows).execute();
    for (const row of rows) held.add(row.file_id);
  }
  return ids.filter((id) => !held.has(id));
}

/** A statement has at most 32,766 values in SQLite; the history of a request may name more files. */
function inBatches(ids: readonly string[]): readonly (readonly string[])[] {
  const size = 1000;
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, at) => ids.slice(at * size, (at + 1) * size));
}

/** Deletes all files of a tenant, in the transaction that removes it. */
export async function deleteFilesOf(transaction: Transaction<Tables>, tenant: string): Promise<void> {
  const query = transaction.updateTable('files').set({ state: 'deleted' }).where('tenant', '=', tenant);
  await query.where('state', '=', 'stored').execute();
}

/** Keeps files as they are until the transaction ends. A write that changes nothing, because SQLite has no `for update`. */
function lockFiles(
  transaction: Transaction<Tables>,
  ids: readonly string[],
  state: 'uploading' | 'stored',
): Promise<readonly Pick<FileTable, 'id' | 'tenant'>[]> {
  return transaction
    .updateTable('files')
    .set((set) => ({ size: set.ref('size') }))
    .where('id', 'in', ids)
    .where('state', '=', state)
    .returning(['id', 'tenant'])
    .execute();
}

async function usedBytes(executor: Kysely<Tables>, tenant: string): Promise<number> {
  const row = await executor
    .selectFrom('files')
    .select(({ fn }) => fn.coalesce(fn.sum<number | string>('size'), sql<number>`0`).as('bytes'))
    .where('tenant', '=', tenant)
    .where('state', '=', 'stored')
    .executeTakeFirst();
  // PostgreSQL sums whole numbers to a decimal, which is a text.
  return Number(row?.bytes ?? 0);
}

function isUnexpired(now: number) {
  return sql<boolean>`(expires_at is null or expires_at > ${now})`;
}

function toStoredFile(row: Selectable<FileTable>): StoredFile {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    mediaType: row.media_type,
    purpose: row.purpose ?? undefined,
    size: row.size,
    place: parseEnum(PLACES, row.place, 'place of a file'),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
  };
}
