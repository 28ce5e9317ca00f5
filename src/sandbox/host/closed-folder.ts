import { statSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';

/**
 * Why the users of threads cannot reach the data folder, for a server that runs as root: the first folder above it that other users cannot enter.
 * `undefined` if they can.
 */
export function findClosedFolder(dataDirectory: string): string | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  const parts = dirname(resolve(dataDirectory)).split(sep);
  const folders = parts.map((_, index) => parts.slice(0, index + 1).join(sep) || sep);
  const closed = folders.find((path) => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0o001) & 0o001) === 0);
  return closed === undefined
    ? undefined
    : `the users of threads cannot enter ${closed}. Put CHIRON_DATA_DIR elsewhere, or let other users pass (chmod o+x).`;
}
