import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DataFolderLock } from './data-folder-lock.js';
import { describeError, StorageOpenError } from '../database/database.js';
import { DatabaseLock } from './database-lock.js';
import type { ServerLock } from './lock.js';
import type { StorageOptions } from '../storage-options.js';

/** How long to wait for a lock that a stopping server may still hold, and how often to retry. */
const LOCK_TIMEOUT_MS = 5000;
const RETRY_MS = 100;

/** How often the server checks that it still holds its locks. */
const CHECK_INTERVAL_MS = 5000;

/** Another server holds a lock. */
class LockHeldError extends StorageOpenError {}

/**
 * A server's locks on its data folder and its PostgreSQL database, because two servers on either would run the same turns. Held
 * until they are released or the process ends.
 */
export class ServerLocks {
  private readonly logger = new Logger(ServerLocks.name);
  #timer: NodeJS.Timeout | undefined;
  #isChecking = false;

  private constructor(private readonly locks: readonly ServerLock[]) {}

  /** @throws StorageOpenError when another server holds a lock for longer than a stop takes, or a lock cannot be acquired. */
  static async acquire(options: Pick<StorageOptions, 'dataDirectory' | 'databaseUrl'>): Promise<ServerLocks> {
    const locks: ServerLock[] = [new DataFolderLock(options.dataDirectory)];
    if (options.databaseUrl !== undefined) locks.push(new DatabaseLock(options.databaseUrl));
    const acquired: ServerLock[] = [];
    try {
      for (const lock of locks) {
        acquired.push(lock);
        await acquireWithTimeout(lock);
      }
    } catch (error) {
      for (const lock of acquired) await lock.release();
      throw error;
    }
    return new ServerLocks(locks);
  }

  /** Calls `onLost` with the reason, once, when another server has acquired one of the locks: this server must stop. */
  watch(onLost: (reason: string) => void): void {
    this.#timer = setInterval(() => void this.check(onLost), CHECK_INTERVAL_MS).unref();
  }

  async release(): Promise<void> {
    clearInterval(this.#timer);
    for (const lock of this.locks) await lock.release();
  }

  private async check(onLost: (reason: string) => void): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    for (const lock of this.locks) {
      try {
        if (await lock.ensureHeld()) continue;
        clearInterval(this.#timer);
        onLost(await describeConflict(lock));
        return;
      } catch (error) {
        // No other server can have acquired a lock that cannot be reached; the next check retries.
        this.logger.warn(`failed to check the lock on ${lock.name}: ${describeError(error)}`);
      }
    }
    this.#isChecking = false;
  }
}

async function acquireWithTimeout(lock: ServerLock): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  try {
    while (!(await lock.acquire())) {
      if (performance.now() > deadline) throw new LockHeldError(await describeConflict(lock));
      await delay(RETRY_MS);
    }
  } catch (error) {
    if (error instanceof LockHeldError) throw error;
    throw new StorageOpenError(`Chiron cannot open ${lock.name}: ${describeError(error)}`, { cause: error });
  }
}

async function describeConflict(lock: ServerLock): Promise<string> {
  const holder = await lock.describeHolder();
  return `another Chiron${holder === undefined ? '' : ` (${holder})`} uses ${lock.name}.`;
}
