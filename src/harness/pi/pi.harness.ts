import { Logger } from '@nestjs/common';
import type { ThreadFiles } from '../../sandbox/files/thread-files.js';
import type { Sandbox } from '../../sandbox/sandbox.js';
import type { Harness, HarnessModel, HarnessSession, HarnessThread } from '../harness.js';
import { probeVersion } from '../probe.js';
import { PiSession } from './pi.session.js';
import { hasPiRecord } from './record/session-file.js';

/** Pi, driven through `pi --mode rpc`. Written against, and tested with, 1.6.0. */
export class PiHarness implements Harness {
  readonly #logger = new Logger(PiHarness.name);

  constructor(
    private readonly sandbox: Sandbox,
    private readonly command: string,
  ) {}

  /** Versions before 1.0 do not tell when a turn is over (0.74.2, recordings pi-0.74.2-*): they count as missing. */
  async probe(): Promise<string | undefined> {
    const version = await probeVersion(this.sandbox, this.command);
    if (version === undefined || !version.startsWith('0.')) return version;
    this.#logger.warn(`ignored pi ${version}: too old; 1.6.0 is tested`);
    return undefined;
  }

  /** Pi's own form, `<provider>/<model>`. Which providers there are depends on the deployment's logins. */
  knowsModel(model: string): boolean {
    return /^[\w.-]+\/./.test(model);
  }

  /** Which models there are depends on the deployment's logins; they are asked for by their names. */
  models(): readonly HarnessModel[] {
    return [];
  }

  hasRecord(files: ThreadFiles, sessionId: string): Promise<boolean> {
    return hasPiRecord(files, sessionId);
  }

  open(thread: HarnessThread): HarnessSession {
    return new PiSession(thread, { command: this.command, sandbox: this.sandbox, logger: this.#logger });
  }
}
