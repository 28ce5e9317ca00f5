import { statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import type { SandboxOptions } from '../sandbox.js';

/**
 * Why the users of threads cannot reach the folders that have their files, for a server that runs as root: the first folder above these that other
 * users cannot enter. `undefined` if they can.
 */
export function findClosedFolder({ dataDirectory, sharedDirectory }: SandboxOptions): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  return (
    explainClosed('CHIRON_DATA_DIR', dataDirectory) ??
    (sharedDirectory === undefined ? undefined : explainClosed('CHIRON_SHARED_DIRECTORY', sharedDirectory))
  );
}

function explainClosed(setting: string, directory: string): string | undefined {
  const parts = dirname(resolve(directory)).split(sep);
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join(sep) || sep);
  const closed = folders.find((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0o001) & 0o001) === 0);
  return closed === undefined
    ? undefined
    : `the users of threads cannot enter ${closed}. Put ${setting} elsewhere, or let other users pass (chmod o+x).`;
}
