import { accessSync, constants } from 'node:fs';
import { openFilesLimit } from '../config/connections.js';

/** As `engines` in package.json says: the oldest Node that the tests run on. What is imported came with 22.16 (`node:sqlite`, zstd). */
const OLDEST_NODE = [24, 15] as const;

/** Open files without which a server is of little use: it takes some thirty itself, an agent and its caller five. */
const LEAST_OPEN_FILES = 256;

/** What this host lacks that Chiron cannot do without, as a sentence for the operator; `undefined` when it has everything. */
export function hostProblem(nodeVersion: string = process.versions.node, shell = '/bin/sh'): string | undefined {
  if (isOlder(nodeVersion)) {
    return `Chiron needs Node ${OLDEST_NODE.join('.')} or newer; this is Node ${nodeVersion}.`;
  }
  try {
    process.cwd();
  } catch {
    return 'Chiron cannot start in this folder: it was removed or cannot be read. Start it in another one.';
  }
  try {
    accessSync(shell, constants.X_OK);
  } catch {
    return `Chiron cannot start without ${shell}: every agent is started by it.`;
  }
  const openFiles = openFilesLimit();
  if (openFiles < LEAST_OPEN_FILES) {
    return `Chiron needs ${LEAST_OPEN_FILES} open files or more (ulimit -n); this process may have ${openFiles}.`;
  }
  return undefined;
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
