import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';

/** Where Codex keeps its recordings: `<year>/<month>/<day>/rollout-<time>-<conversation>….jsonl` (0.169.0). */
const SESSIONS = 'home/.codex/sessions';

/** How many names of one folder are looked at. */
const MAX_NAMES = 10_000;

/** Holds the path of the home for which Codex's index was made, where the agent cannot write. */
const INDEXED_HOME = 'server/codex-home';

const MAX_PATH_BYTES = 16_384;

/** What Codex 0.169.0 makes again from the recordings when it is not there: where they are, and what they hold. */
const INDEX = /^(?:state|thread_history)_\d+\.sqlite(?:-shm|-wal)?$/;

/** Whether there is a recording of this conversation; it is not read. */
export async function hasRecording(files: ThreadFiles, conversation: string): Promise<boolean> {
  return anyBelow(files, SESSIONS, 3, (name) => name.startsWith('rollout-') && name.includes(conversation));
}

/**
 * Has Codex make its index again when the thread's home is not where it was: the index keeps absolute paths, by which Codex 0.169.0
 * finds no recording in a home that was moved, and writes to the recording of the original in one that was copied (seen).
 */
export async function refreshIndex(files: ThreadFiles, home: string): Promise<void> {
  const indexed = await files.readText(INDEXED_HOME, MAX_PATH_BYTES).catch(undefinedWhenRefused);
  if (indexed === home) return;
  const names = await files.list('home/.codex', MAX_NAMES);
  for (const name of names) if (INDEX.test(name)) await files.remove(`home/.codex/${name}`);
  await files.write(INDEXED_HOME, home);
}

/** Has the next start make the index again, as with this one Codex did not find its way. */
export async function invalidateIndex(files: ThreadFiles): Promise<void> {
  await files.remove(INDEXED_HOME);
}

async function anyBelow(
  files: ThreadFiles,
  folder: string,
  depth: number,
  isWanted: (name: string) => boolean,
): Promise<boolean> {
  const names = await files.list(folder, MAX_NAMES).catch(noneWhenRefused);
  if (depth === 0) return names.some(isWanted);
  // Most conversations are of the newest days.
  for (const name of names.toSorted().toReversed()) {
    if (await anyBelow(files, `${folder}/${name}`, depth - 1, isWanted)) return true;
  }
  return false;
}

/** What is no plain file is not the server's. */
function undefinedWhenRefused(error: unknown): undefined {
  if (!(error instanceof ThreadFileError)) throw error;
}

/** What is no folder holds no recording. */
function noneWhenRefused(error: unknown): readonly string[] {
  if (error instanceof ThreadFileError) return [];
  throw error;
}
