import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { readFreeBytes } from './database/data-folder.js';
import { describeError } from './database/database.js';
import { StorageOptions } from './storage-options.js';

/** How often the free space is read: a system call that costs some microseconds. */
const INTERVAL_MS = 5000;

/**
 * Watches the free space of the data folder's disk. A disk that is full in the middle of a turn costs the turn its events; below a mark,
 * new turns are refused instead, and running ones have the rest.
 */
@Injectable()
export class DiskWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(DiskWatch.name);
  #timer: NodeJS.Timeout | undefined;
  #isLow = false;
  #hasFailed = false;

  constructor(@Inject(StorageOptions) private readonly options: StorageOptions) {}

  /** Whether less space is free than the deployment's mark. */
  get isLow(): boolean {
    return this.#isLow;
  }

  async onApplicationBootstrap(): Promise<void> {
    if (this.options.minFreeBytes === undefined || this.options.minFreeBytes === 0) return;
    await this.#read(this.options.minFreeBytes);
    this.#timer = setInterval(() => void this.#read(this.options.minFreeBytes ?? 0), INTERVAL_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.#timer);
  }

  async #read(minFreeBytes: number): Promise<void> {
    try {
      this.#set(await readFreeBytes(this.options.dataDirectory), minFreeBytes);
      this.#hasFailed = false;
    } catch (error) {
      // What cannot be measured refuses nothing.
      if (!this.#hasFailed) this.logger.warn(`cannot read the free space of the data folder: ${describeError(error)}`);
      this.#hasFailed = true;
      this.#isLow = false;
    }
  }

  #set(freeBytes: number, minFreeBytes: number): void {
    const isLow = freeBytes < minFreeBytes;
    if (isLow === this.#isLow) return;
    this.#isLow = isLow;
    const fields = { freeBytes, minFreeBytes };
    if (isLow) this.logger.error(fields, 'the disk of the data folder is almost full: new turns are refused');
    else this.logger.log(fields, 'the disk of the data folder has room again');
  }
}
