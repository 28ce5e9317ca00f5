import { constants } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeError, StorageOpenError } from '../database/database.js';
import { describeFullDisk, makeFolder } from '../database/data-folder.js';
import type { ServerLock } from './lock.js';

/**
 * The lock on a data folder: SQLite's own lock on an otherwise empty file. It is a POSIX record lock, which the system releases
 * however the process ends, which children do not inherit, and which applies to every path to the folder.
 */
export class DataFolderLock implements ServerLock {
  readonly name: string;
  readonly #file: string;
  /** Referenced while the lock is held, because the garbage collector closes an unreferenced connection. */
  #connection: DatabaseSync | undefined;
  #inode: number | undefined;

  constructor(private readonly folder: string) {
    this.name = `the data folder ${folder}`;
    this.#file = join(folder, 'chiron.lock');
  }

  async acquire(): Promise<boolean> {
    await makeFolder(this.folder);
    await this.createFile();
    const connection = new DatabaseSync(this.#file, { timeout: 0 });
    try {
      connection.exec('begin exclusive');
    } catch (error) {
      connection.close();
      if (isBusy(error)) return false;
      throw new StorageOpenError(`${describeError(error)}${await describeFullDisk(this.folder)}`, { cause: error });
    }
    this.#connection = connection;
    this.#inode = await readInode(this.#file);
    return true;
  }

  /** Compares the inode, because an agent or a cleanup may remove the file; the next server would then lock a new file of that name. */
  async ensureHeld(): Promise<boolean> {
    if (this.#inode !== undefined && this.#inode === (await readInode(this.#file))) return true;
    await this.release();
    return this.acquire();
  }

  async describeHolder(): Promise<string | undefined> {
    const inode = await readInode(this.#file);
    // Linux only; processes of other containers are missing. 1: POSIX  ADVISORY  WRITE 4321 fe:00:1234567 1073741824 1073742335
    const locks = await readFile('/proc/locks', 'utf8').catch(() => '');
    const line = locks.split('\n').find((each) => inode !== undefined && each.includes(`:${String(inode)} `));
    const pid = line?.split(/\s+/)[4];
    return pid !== undefined && Number(pid) > 0 ? `process ${pid}` : undefined;
  }

  release(): Promise<void> {
    this.#connection?.close();
    this.#connection = undefined;
    this.#inode = undefined;
    return Promise.resolve();
  }

  /** Creates the lock file, because SQLite would report only that it cannot open it, and would use the mode of the umask. */
  private async createFile(): Promise<void> {
    const { O_RDWR, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
    // Only while the lock is not held: closing any descriptor of the file releases a POSIX lock.
    const file = await open(this.#file, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    await file.close();
  }
}

/** True for SQLITE_BUSY and SQLITE_LOCKED, with their extended codes. */
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error &&
    'errcode' in error &&
    typeof error.errcode === 'number' &&
    [5, 6].includes(error.errcode & 0xff)
  );
}

async function readInode(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).ino;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
