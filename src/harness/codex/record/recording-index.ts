import { ThreadFileError, type ThreadFiles } from '../../../sandbox/files/thread-files.js';

/** How many names of one folder are looked at. */
const MAX_NAMES = 10_000;

/** Holds the path of the home for which Codex's index was made, where the agent cannot write. */
const INDEXED_HOME = 'server/codex-home';

const MAX_PATH_BYTES = 16_384;

/** What Codex 0.169.0 makes again from the recordings when it is not there: where they are, and what they hold. */
const INDEX = /^(?:state|thread_history)_\d+\.sqlite(?:-shm|-wal)?$/;

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

/** What is no plain file is not the server's. */
function undefinedWhenRefused(error: unknown): undefined {
  if (!(error instanceof ThreadFileError)) throw error;
}
