import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Observable, Subject } from 'rxjs';
import { AppConfig } from '../config/app-config.js';
import { quoteForCaller, ServiceError } from '../domain/service-error.js';
import { StoreClock } from '../storage/database/store-clock.js';
import { DiskWatch } from '../storage/disk-watch.js';
import {
  type CompletedFile,
  type FileQuery,
  FileStore,
  isFileId,
  type NewFile,
  type StoredFile,
} from '../storage/stores/file.store.js';
import { type FileBytes, FileBytesMissingError } from './file-bytes.js';
import { FilePlaces } from './file-places.js';

/** How many files are listed at once to be removed. */
const REMOVED_AT_ONCE = 100;

/** A file whose bytes have come, and that cannot be named yet. */
export interface ReceivedFile {
  readonly id: string;
  /** Bytes. */
  readonly size: number;
}

/** Bytes that went in or out. */
export interface FileTransfer {
  readonly direction: 'in' | 'out';
  readonly bytes: number;
}

/** Makes the error for a file that the caller does not have. */
export function fileNotFound(id: string): ServiceError {
  return new ServiceError('not_found', `File not found: ${quoteForCaller(id)}`);
}

/** The files that callers upload, for as long as they or turns need them. Every method rejects also when the store cannot be reached. */
@Injectable()
export class UploadedFiles {
  private readonly logger = new Logger(UploadedFiles.name);
  readonly #transfers$ = new Subject<FileTransfer>();

  constructor(
    @Inject(AppConfig) private readonly config: AppConfig,
    private readonly files: FileStore,
    private readonly places: FilePlaces,
    private readonly disk: DiskWatch,
    private readonly clock: StoreClock,
  ) {}

  /** Each file that was received or is being sent. Never completes; unsubscribing has no effect on files. */
  get transfers$(): Observable<FileTransfer> {
    return this.#transfers$;
  }

  /**
   * Receives the bytes of a file. It can be named once it is {@link complete}; if that does not happen, {@link discard} it.
   *
   * @throws ServiceError (`too_large`) above the limit of a file, (`forbidden`) above that of the tenant, (`overloaded`) on a full disk; nothing is left.
   */
  async receive(file: Omit<NewFile, 'place'>, body: AsyncIterable<Uint8Array>): Promise<ReceivedFile> {
    const place = this.places.current;
    if (place === 'folder' && this.disk.isLow) throw new ServiceError('overloaded', 'The disk is almost full.');
    const room = this.config.tenantFilesBytes - (await this.files.usedBytes(file.tenant));
    if (room <= 0) throw this.#overTenantLimit();
    const id = await this.files.begin({ ...file, place });
    let size = 0;
    const check = (bytes: number): void => {
      size += bytes;
      if (size > this.config.fileLimitBytes) throw fileTooLarge(this.config.fileLimitBytes);
      if (size > room) throw this.#overTenantLimit();
    };
    try {
      await this.#bytesIn(place).put(id, checked(body, check));
    } catch (error) {
      await this.discard(id);
      throw error;
    }
    return { id, size };
  }

  /** Makes a received file one that its tenant can name. @throws ServiceError as {@link receive}; nothing is left then. */
  async complete({ id, size }: ReceivedFile, facts: Omit<CompletedFile, 'size'>): Promise<StoredFile> {
    const { fileRetentionMs, tenantFilesBytes } = this.config;
    const latest = fileRetentionMs === 0 ? undefined : this.clock.now() + fileRetentionMs;
    const expiresAt = earliest(facts.expiresAt, latest);
    const completed = await this.files.complete(id, { ...facts, size, expiresAt }, tenantFilesBytes);
    if (completed === 'over limit') {
      await this.discard(id);
      throw this.#overTenantLimit();
    }
    if (completed === 'gone') throw new ServiceError('request_timeout', 'The upload took too long.');
    this.#transfers$.next({ direction: 'in', bytes: size });
    return completed;
  }

  /** Removes what has come of a file that is not complete. What cannot be removed now is removed later. Never rejects. */
  async discard(id: string): Promise<void> {
    try {
      await this.files.giveUp(id);
      await this.removeBytes(id);
    } catch (error) {
      this.logger.warn({ fileId: id, err: error }, 'failed to remove what an upload has left; it is tried again');
    }
  }

  /** @throws ServiceError (`not_found`) */
  async find(tenant: string, id: string): Promise<StoredFile> {
    const [file] = isFileId(id) ? await this.files.findAll(tenant, [id]) : [];
    if (file === undefined) throw fileNotFound(id);
    return file;
  }

  /** The files of a tenant with these ids, which may be any texts. */
  findAll(tenant: string, ids: readonly string[]): Promise<readonly StoredFile[]> {
    return this.files.findAll(tenant, ids.filter(isFileId));
  }

  /** Opens a file that a turn of the tenant needs, also a deleted one; `undefined` if its bytes are gone. */
  async openKept(tenant: string, id: string): Promise<AsyncIterable<Uint8Array> | undefined> {
    const file = await this.files.findKept(id);
    if (file?.tenant !== tenant) return undefined;
    try {
      return await this.#bytesIn(file.place).get(id);
    } catch (error) {
      if (error instanceof FileBytesMissingError) return undefined;
      throw error;
    }
  }

  list(tenant: string, query: FileQuery): Promise<readonly StoredFile[]> {
    return this.files.list(tenant, query);
  }

  /** Deletes a file. Turns that need it keep its bytes until they have ended. @throws ServiceError (`not_found`) */
  async delete(tenant: string, id: string): Promise<void> {
    if (!isFileId(id) || !(await this.files.delete(tenant, id))) throw fileNotFound(id);
    await this.removeBytes(id);
  }

  /** Reads a file from its beginning; leaving the loop ends the reading. @throws ServiceError (`not_found`) if its bytes are not there */
  async open({ id, place, size }: Pick<StoredFile, 'id' | 'place' | 'size'>): Promise<AsyncIterable<Uint8Array>> {
    try {
      const bytes = await this.#bytesIn(place).get(id);
      this.#transfers$.next({ direction: 'out', bytes: size });
      return bytes;
    } catch (error) {
      if (!(error instanceof FileBytesMissingError)) throw error;
      this.logger.error({ fileId: id, place }, 'the bytes of a file are not where they were kept');
      throw fileNotFound(id);
    }
  }

  /** Removes deleted files that no turn needs any more; only that with the id, if it is given. Those that cannot be removed do not hold up the others. */
  async removeBytes(id?: string): Promise<void> {
    let last: string | undefined;
    do {
      const removable = await this.files.listRemovable(REMOVED_AT_ONCE, id, last);
      for (const file of removable) await this.#removeBytesOf(file);
      last = removable.length === REMOVED_AT_ONCE ? removable.at(-1)?.id : undefined;
    } while (last !== undefined);
  }

  async #removeBytesOf({ id, place }: Pick<StoredFile, 'id' | 'place'>): Promise<void> {
    try {
      await this.#bytesIn(place).remove(id);
      await this.files.forget(id);
    } catch (error) {
      this.logger.warn({ fileId: id, err: error }, 'failed to remove the bytes of a file; it is tried again');
    }
  }

  #bytesIn(place: StoredFile['place']): FileBytes {
    const bytes = this.places.find(place);
    if (bytes === undefined)
      throw new ServiceError('unavailable', 'The server has no access to the bucket in which the file is kept.');
    return bytes;
  }

  #overTenantLimit(): ServiceError {
    const limit = this.config.tenantFilesBytes / 1_000_000;
    return new ServiceError(
      'forbidden',
      `Storage limit exceeded: all files together may have ${limit} MB. Delete some.`,
      {
        code: 'storage_limit_exceeded',
      },
    );
  }
}

/** Makes the error for a file above a limit of so many bytes. */
export function fileTooLarge(limitBytes: number): ServiceError {
  return new ServiceError('too_large', `File too large: the limit is ${limitBytes / 1_000_000} MB.`);
}

async function* checked(body: AsyncIterable<Uint8Array>, check: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) {
    check(bytes.length);
    yield bytes;
  }
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const set = times.filter((time) => time !== undefined);
  return set.length === 0 ? undefined : Math.min(...set);
}
