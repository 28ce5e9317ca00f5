import type { ThreadFiles } from '../../../sandbox/files/thread-files.js';
import { invalidateIndex } from './recording-index.js';
import { findRecordings, readRecording } from './rollout.js';
import { findCancelledOutputs, findOutputs, type RolloutLine } from './rollout-lines.js';

/**
 * Has the caller's calls at the end of a recording wait again, if a Codex that was stopped made up outputs for them. The conversation must
 * not be open.
 */
export async function mendCancelledCalls(files: ThreadFiles, conversation: string): Promise<void> {
  const [newest] = await findRecordings(files, conversation);
  if (newest !== undefined) await cutBefore(files, [newest], findCancelledOutputs);
}

/**
 * Removes the outputs of these calls, and all that follows them, from a recording; false if it has none. The conversation must not be
 * open.
 */
export async function removeOutputs(
  files: ThreadFiles,
  conversation: string,
  callIds: readonly string[],
): Promise<boolean> {
  const ids = new Set(callIds);
  return cutBefore(files, await findRecordings(files, conversation), (lines) => findOutputs(lines, ids));
}

/** Cuts the newest recording that has the place, and removes the parts of the conversation that go on after it. */
async function cutBefore(
  files: ThreadFiles,
  newestFirst: readonly string[],
  findPlace: (lines: readonly RolloutLine[]) => number | undefined,
): Promise<boolean> {
  for (const [index, path] of newestFirst.entries()) {
    const place = findPlace(await readRecording(files, path));
    if (place === undefined) continue;
    for (const later of newestFirst.slice(0, index)) await files.remove(later);
    await files.truncate(path, place);
    // Codex's index of the recording has what was cut.
    await invalidateIndex(files);
    return true;
  }
  return false;
}
