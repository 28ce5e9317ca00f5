import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DataFolderLock } from './data-folder-lock.js';
import { describeError, StorageOpenError } from '../database/database.js';
import { DatabaseLock } from './database-lock.js';
import type { ServerLock } from './lock.js';
import type { StorageOptions } from '../storage-options.js';

/** How long a server that is just stopping may still hold a lock, and how often it is asked for, in milliseconds. */
const LOCK_TIMEOUT_MS = 5000;
const RETRY = 100;

/** How often the locks are made sure of, in milliseconds. */
const CHECK_INTERVAL_MS = 5000;

/** Another server has a lock. */
class TakenError extends StorageOpenError {}

/**
 * The locks of a server on its data folder and on its PostgreSQL database: two servers on either would run the same turns. Held until
 * they are released, or the process ends.
 */
export class ServerLocks {
  private readonly logger = new Logger(ServerLocks.name);
  #timer: NodeJS.Timeout | undefined;
  #isChecking = false;

  private constructor(private readonly locks: readonly ServerLock[]) {}

  /** @throws StorageOpenError when another server has one of them for longer than it takes to stop, or it cannot be had. */
  static async take(options: Pick<StorageOptions, 'dataDirectory' | 'databaseUrl'>): Promise<ServerLocks> {
    const locks: ServerLock[] = [new DataFolderLock(options.dataDirectory)];
    if (options.databaseUrl !== undefined) locks.push(new DatabaseLock(options.databaseUrl));
    const taken: ServerLock[] = [];
    try {
      for (const lock of locks) {
        taken.push(lock);
        await takeSoon(lock);
      }
    } catch (error) {
      for (const lock of taken) await lock.release();
      throw error;
    }
    return new ServerLocks(locks);
  }

  /** Calls `onLost` with the reason, once, when another server has got one of the locks: this one must not go on. */
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
        if (await lock.keep()) continue;
        clearInterval(this.#timer);
        onLost(await takenBy(lock));
        return;
      } catch (error) {
        // Nobody else can have got what cannot be reached; it is tried again.
        this.logger.warn(`the lock on ${lock.name} cannot be checked: ${describeError(error)}`);
      }
    }
    this.#isChecking = false;
  }
}

async function takeSoon(lock: ServerLock): Promise<void> {
  const deadline = performance.now() + LOCK_TIMEOUT_MS;
  try {
    while (!(await lock.take())) {
      if (performance.now() > deadline) throw new TakenError(await takenBy(lock));
      await delay(RETRY);
    }
  } catch (error) {
    if (error instanceof TakenError) throw error;
    throw new StorageOpenError(`Chiron cannot open ${lock.name}: ${describeError(error)}`, { cause: error });
  }
}

async function takenBy(lock: ServerLock): Promise<string> {
  const holder = await lock.holder();
  return `another Chiron${holder === undefined ? '' : ` (${holder})`} uses ${lock.name}.`;
}
