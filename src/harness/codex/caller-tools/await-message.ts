import { setTimeout as delay } from 'node:timers/promises';
import type { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { findRecordings, readRecording, recordingSize } from '../record/rollout.js';
import { type CompleteMessage, findCompleteMessage } from '../record/rollout-lines.js';

// Codex 0.169.0 writes the end of a message about a millisecond after it requests its last call (seen).
const FIRST_POLL_MS = 2;
const MAX_POLL_MS = 20;
/**
 * How long nothing may be written before the message counts as complete: Codex records no end if the provider reports no tokens. A
 * message that goes on after that is no mistake: its further calls end the next turn.
 */
const SILENCE_MS = 2_000;

/** Where in a conversation's recording the message of the model is to be found. */
export interface MessagePlace {
  readonly conversation: string;
  /** Length of the recording, in bytes, before the message began. */
  readonly from: number;
}

/**
 * Waits until the message of the model that made a call is complete, and no further call of it can follow. `undefined` if the
 * recording does not tell, or `isOver` becomes true.
 */
export async function awaitMessage(
  files: ThreadFiles,
  { conversation, from }: MessagePlace,
  callId: string,
  isOver: () => boolean,
): Promise<CompleteMessage | undefined> {
  let path: string | undefined;
  let [size, silentMs, pauseMs] = [from, 0, FIRST_POLL_MS];
  while (!isOver() && silentMs < SILENCE_MS) {
    path ??= (await findRecordings(files, conversation))[0];
    const now = path === undefined ? size : await recordingSize(files, path);
    if (path !== undefined && now > size) {
      const message = findCompleteMessage(await readRecording(files, path, from), callId);
      if (message !== undefined) return message;
      [size, silentMs, pauseMs] = [now, 0, FIRST_POLL_MS];
    }
    await delay(pauseMs);
    silentMs += pauseMs;
    pauseMs = Math.min(pauseMs * 1.25, MAX_POLL_MS);
  }
  return undefined;
}
