import { accessSync, constants } from 'node:fs';
import { readOpenFilesLimit } from '../config/connections.js';

/** The oldest Node that the tests run on, as in `engines` of package.json. The imported APIs need 22.16 (`node:sqlite`, zstd). */
const OLDEST_NODE = [24, 15] as const;

/** Fewer open files leave too little: the server needs some thirty, an agent with its caller five. */
const MIN_OPEN_FILES = 256;

/** Names, in a sentence for the operator, what this host lacks for Chiron to start; `undefined` when it has everything. */
export function findHostProblem(nodeVersion: string = process.versions.node, shell = '/bin/sh'): string | undefined {
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
    return `Chiron cannot start without ${shell}: it starts every agent with it.`;
  }
  const openFiles = readOpenFilesLimit();
  if (openFiles < MIN_OPEN_FILES) {
    return `Chiron needs ${MIN_OPEN_FILES} open files or more (ulimit -n); this process may have ${openFiles}.`;
  }
  return undefined;
}

function isOlder(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  return major < oldestMajor || (major === oldestMajor && minor < oldestMinor);
}
