import { Inject, Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { Jobs } from '../cluster/jobs.js';
import { Database } from '../storage/database/database.js';
import { FileStore } from '../storage/stores/file.store.js';
import { UploadedFiles } from './uploaded-files.js';

const INTERVAL_MS = 600_000;

/** An upload that began so long ago has ended: a request has to arrive within minutes. */
const STALE_UPLOAD_MS = 3_600_000;

/** Removes files that have expired, that were deleted while a turn needed them, and what uploads and removals that broke off have left. */
@Injectable()
export class FileCleanup implements OnApplicationBootstrap {
  private readonly logger = new Logger(FileCleanup.name);

  constructor(
    private readonly files: FileStore,
    private readonly uploaded: UploadedFiles,
    @Inject(Database) private readonly database: Database,
    jobs: Jobs,
  ) {
    jobs.repeat({ name: 'remove_files', everyMs: INTERVAL_MS, isOwn: false, run: () => this.run() });
  }

  async onApplicationBootstrap(): Promise<void> {
    // No other server can be receiving files: what is half uploaded is from before a crash.
    if (this.database.kind === 'sqlite') await this.run(0);
  }

  /** Never rejects. */
  async run(staleMs = STALE_UPLOAD_MS): Promise<void> {
    try {
      await this.files.deleteStale(this.database.clock.now() - staleMs);
      await this.uploaded.removeBytes();
    } catch (error) {
      this.logger.error({ err: error }, 'failed to remove files that are not needed; it is tried again');
    }
  }
}
