import { extname } from 'node:path';

/**
 * A file of this program by its path from this folder. In the bundle, modules are no longer where their sources were: this one keeps its place,
 * beside `main`, and programs that are started by their file keep theirs.
 */
export function ownFile(path: string): URL {
  return new URL(path, import.meta.url);
}

/** The module of a worker thread or of another process, by its path from this folder without its ending: `.js` when built, `.ts` under test. */
export function ownModule(path: string): URL {
  return ownFile(`${path}${extname(import.meta.url)}`);
}
