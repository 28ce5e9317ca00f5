import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StorageOpenError } from './database.js';

/** How long a server that is just stopping may still hold the folder, in milliseconds. */
const PATIENCE = 5000;

/**
 * Takes a data folder for this process, for as long as it lives: two servers on one folder would run the same turns, in the same
 * workspaces. The lock is SQLite's own on a file that is otherwise empty, so that the system gives it back however a process ends.
 *
 * @returns a function that gives it back.
 * @throws StorageOpenError when another server has it, or the folder cannot be written.
 */
export function lockDataFolder(folder: string): () => void {
  try {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'chiron.lock');
    const lock = new DatabaseSync(file, { timeout: PATIENCE });
    chmodSync(file, 0o600);
    lock.exec('begin exclusive');
    return () => lock.close();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const isTaken = /locked|busy/i.test(reason);
    throw new StorageOpenError(
      isTaken
        ? `cannot open the data folder ${folder}: another Chiron uses it`
        : `cannot open the data folder ${folder}: ${reason}`,
      { cause: error },
    );
  }
}
