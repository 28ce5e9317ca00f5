import { ServiceError } from '../../domain/service-error.js';
import { type Query, readQueryParameter } from '../../http/query-parameter.js';
import type { WorkspaceListing } from '../../turns/workspace/workspace-files.js';

const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 4096;
const DEFAULT_LIMIT = 100;
/** The longest page of a workspace. */
export const MAX_ENTRIES_PAGE = 1000;

/**
 * Parses a path below a workspace. An empty one is the workspace itself.
 *
 * @param names the parts of the path as they are after percent-decoding, so that an encoded slash is in a part
 * @throws ServiceError (`bad_request`) for parts that lead up or elsewhere, or that no file can have
 */
export function parseWorkspacePath(names: readonly string[]): string {
  // A slash at the end, as for folders.
  const parts = names.at(-1) === '' ? names.slice(0, -1) : names;
  for (const name of parts) {
    if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name) || Buffer.byteLength(name) > MAX_NAME_BYTES)
      throw new ServiceError('bad_request', 'path: must be made of names below the workspace');
  }
  const path = parts.join('/');
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) throw new ServiceError('bad_request', 'path: is too long');
  return path;
}

/** Parses the query of a list of a workspace. @throws ServiceError (`bad_request`) */
export function parseWorkspaceQuery(query: Query): WorkspaceListing {
  const limit = readQueryParameter(query, 'limit') ?? String(DEFAULT_LIMIT);
  if (!/^\d{1,4}$/.test(limit) || Number(limit) < 1 || Number(limit) > MAX_ENTRIES_PAGE)
    throw new ServiceError('bad_request', `limit: must be an integer from 1 to ${MAX_ENTRIES_PAGE}`);
  const recursive = readQueryParameter(query, 'recursive') ?? 'true';
  if (recursive !== 'true' && recursive !== 'false')
    throw new ServiceError('bad_request', 'recursive: must be true or false');
  const cursor = readQueryParameter(query, 'cursor');
  return {
    path: toPath(readQueryParameter(query, 'path') ?? ''),
    limit: Number(limit),
    after: cursor === undefined ? undefined : toPath(Buffer.from(cursor, 'base64url').toString('utf8')),
    isRecursive: recursive === 'true',
  };
}

/** Makes the cursor of the page after an entry, whose path is relative to the workspace. */
export function toWorkspaceCursor(path: string, folder: string): string {
  const below = folder === '' ? path : path.slice(folder.length + 1);
  return Buffer.from(below, 'utf8').toString('base64url');
}

function toPath(text: string): string {
  return parseWorkspacePath(text.split('/'));
}
