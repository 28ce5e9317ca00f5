import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { ThreadFileError, type ThreadFiles } from '../sandbox/files/thread-files.js';
import { deliverFiles, type OpenFile } from './deliver-files.js';
import type { HarnessTurn } from './harness.js';

/** How long to wait before each further attempt. */
const RETRY_MS = [250, 1_000, 4_000, 15_000];

/** Where and how a turn gets its files. */
interface Delivery {
  readonly threadId: string;
  readonly files: Pick<ThreadFiles, 'stat' | 'write'>;
  /** Whether the agent's model takes PDFs. */
  readonly takesPdf: boolean;
  /** Whether nobody runs the turn any more. */
  readonly isAbandoned: () => boolean;
}

const logger = new Logger('FileDelivery');

/**
 * Does what {@link deliverFiles} does, and again while it fails: the turn was accepted, and a bucket that does not answer for a moment must not end
 * it. Rejects as it does after 20 seconds, at once when an agent has put something in the way, and once the turn is abandoned.
 */
export async function deliverFilesWithRetries<Turn extends HarnessTurn & { readonly openFile?: OpenFile }>(
  turn: Turn,
  { threadId, files, takesPdf, isAbandoned }: Delivery,
): Promise<Turn> {
  for (const delayMs of RETRY_MS) {
    try {
      return await deliverFiles(turn, files, takesPdf);
    } catch (error) {
      if (isAbandoned() || error instanceof ThreadFileError) throw error;
      logger.warn({ threadId, turnId: turn.id, err: error }, 'failed to give a turn its files; trying again');
      await wait(delayMs);
    }
  }
  return deliverFiles(turn, files, takesPdf);
}
